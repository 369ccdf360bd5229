"""What flowed through the sites of a subject: windows of text, the store, its shuffled stream."""
