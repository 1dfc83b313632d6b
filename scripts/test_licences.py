"""Licence expressions, and what is refused."""

import unittest
from pathlib import Path

from licences import Package, Refused, chosen, npm_packages, parsed, standard, taken

ALLOWED = {"MIT", "Apache-2.0", "ISC", "Apache-2.0 WITH LLVM-exception"}


def package(licence: str, *authors: str) -> Package:
    return Package("crate", "some", "1.0.0", licence, authors, Path("/nowhere"))


class Expressions(unittest.TestCase):
    def test_what_is_taken(self):
        cases = {
            "MIT": ["MIT"],
            "GPL-3.0-only OR MIT": ["MIT"],
            "MIT/GPL-3.0-only": ["MIT"],
            "MIT AND ISC": ["ISC", "MIT"],
            "ISC AND (GPL-2.0-only OR MIT)": ["ISC", "MIT"],
            "GPL-2.0-only AND MIT OR ISC": ["ISC"],
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only": ["Apache-2.0 WITH LLVM-exception"],
            "GPL-3.0-only": None,
            "MIT AND GPL-3.0-only": None,
            "(MIT OR ISC) AND GPL-3.0-only": None,
            "MIT WITH LLVM-exception": None,
            "GPL-2.0-only WITH Classpath-exception-2.0": None,
            "Apache-2.0+": None,
        }
        for expression, expected in cases.items():
            with self.subTest(expression):
                self.assertEqual(chosen(parsed(expression), ALLOWED), expected)

    def test_what_is_no_expression(self):
        for expression in ["", "MIT ISC", "(MIT", "MIT)", "MIT OR", "AND MIT", "MIT WITH", "SEE LICENSE IN x", "MIT or ISC"]:
            with self.subTest(expression), self.assertRaises(Refused):
                parsed(expression)

    def test_a_refusal_names_the_package(self):
        for licence in ["AGPL-3.0-only", "none", "SEE LICENSE IN x"]:
            with self.subTest(licence), self.assertRaisesRegex(Refused, "crate some 1.0.0"):
                taken(package(licence), ALLOWED)


class Texts(unittest.TestCase):
    def test_the_usual_text_names_the_authors(self):
        text = standard("MIT", package("MIT", "Ada <a@b.c>", "Bob"), [])
        self.assertTrue(text.startswith("Copyright (c) Ada, Bob\n"))
        with self.assertRaises(Refused):
            standard("Zlib", package("Zlib"), [])

    def test_the_interface_ships_what_its_pages_import(self):
        names = {package.name for package in npm_packages()}
        self.assertLessEqual({"svelte", "bits-ui", "@floating-ui/dom", "@lucide/svelte"}, names)
        self.assertTrue(names.isdisjoint({"vite", "vitest", "typescript", "playwright-core"}))


if __name__ == "__main__":
    unittest.main()
