"""A setting that nothing reads is a promise that nobody keeps."""

import ast
from pathlib import Path

SRC = Path(__file__).parents[2] / "src" / "tacit"
ENDS = ("Settings", "Configuration", "Config")


def is_settings(node: ast.ClassDef) -> bool:
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    return node.name.endswith(ENDS) or "Configuration" in bases or node.name == "Recipe"


def test_every_setting_is_read_somewhere():
    trees = [ast.parse(path.read_text()) for path in SRC.rglob("*.py")]
    read = {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    found = 0
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and is_settings(node):
                for field in node.body:
                    if isinstance(field, ast.AnnAssign) and isinstance(
                        field.target, ast.Name
                    ):
                        found += 1
                        assert field.target.id in read, (
                            f"{node.name}.{field.target.id} is not read"
                        )
    assert found > 10
