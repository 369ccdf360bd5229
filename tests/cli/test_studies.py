"""The text of a study can be the user's own, where it reads any."""


def test_a_study_that_reads_no_text_refuses_one(command):
    told = command("study", "run", "toy-superposition", "--text", "notes", "--dry-run")
    told.refused("toy-superposition reads no text", "leave --text out")


def test_a_study_says_what_a_run_on_ones_own_text_would_take(command, programs):
    words = ["--text", str(programs), "--set", "subject.widths=[16]", "--dry-run"]
    told = command("study", "run", "small-transformers", *words).finished()
    assert "2 transformers" in told.out
    assert "nothing was run" in told.out


def test_text_that_is_not_there_is_named(command, tmp_path):
    out = tmp_path / "run"
    words = ["--text", str(tmp_path / "nowhere"), "--out", str(out), "--quiet"]
    command("study", "run", "small-transformers", *words).refused("nowhere")
    assert not out.exists()
