"""How tests check types at run time: beartype, with an int wherever a float is asked (PEP 484)."""

from beartype import BeartypeConf, beartype

with_tower = beartype(conf=BeartypeConf(is_pep484_tower=True))
