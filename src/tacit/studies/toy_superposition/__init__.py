"""Sparse autoencoders on the toy world: do they find the true features, and can one tell?"""
