# SPDX-License-Identifier: Apache-2.0
"""Just enough C for the house limits: tokens, comment lines, function definitions."""

import re
from dataclasses import dataclass

PIECE = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)
      | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      | (?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
      | (?P<word>[A-Za-z_]\w*|\d[\w.]*)
      | (?P<mark>[^\s\w])""",
    re.S | re.M | re.X,
)


@dataclass
class Token:
    text: str
    line: int
    kind: str


@dataclass
class Function:
    name: str
    line: int
    last_line: int
    parameters: int
    nesting: int
    complexity: int

    @property
    def length(self):
        return self.last_line - self.line + 1


def pieces(text):
    """Every token, comments and directives too."""
    line, position = 1, 0
    for match in PIECE.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        yield Token(match.group(), line, match.lastgroup)


def code_tokens(text):
    return [t for t in pieces(text) if t.kind not in ("comment", "directive")]


def comment_lines(text):
    """Lines that hold nothing but comment; the licence line does not count."""
    lines = text.split("\n")
    found = set()
    for token in pieces(text):
        if token.kind != "comment" or "SPDX-License-Identifier" in token.text:
            continue
        first = token.line
        starts_line = lines[first - 1].lstrip().startswith(("/*", "//"))
        found.update(range(first if starts_line else first + 1, first + token.text.count("\n") + 1))
    return len(found)


def closing(tokens, start):
    """Index of the mark that closes the one at `start`."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    opened, closes = tokens[start].text, pairs[tokens[start].text]
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index].text == opened:
            depth += 1
        elif tokens[index].text == closes:
            depth -= 1
            if depth == 0:
                return index
    raise ValueError(f"line {tokens[start].line}: unbalanced {opened}")


class Nesting:
    """The depth of control statements in a function's body; an else-if chain is one level."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.deepest = 0

    def text(self, index):
        return self.tokens[index].text if index < len(self.tokens) else ""

    def block(self, index, depth):
        end = closing(self.tokens, index)
        index += 1
        while index < end:
            index = self.statement(index, depth)
        return end + 1

    def controlled(self, index, depth):
        self.deepest = max(self.deepest, depth + 1)
        return self.statement(index, depth + 1)

    def if_statement(self, index, depth):
        index = self.controlled(closing(self.tokens, index + 1) + 1, depth)
        if self.text(index) != "else":
            return index
        if self.text(index + 1) == "if":
            return self.if_statement(index + 1, depth)
        return self.controlled(index + 1, depth)

    def simple(self, index):
        """An expression or a declaration, up to its semicolon; braces in it are values."""
        while self.text(index) not in (";", "", "}"):
            index = closing(self.tokens, index) if self.text(index) in "({[" else index
            index += 1
        return index + 1 if self.text(index) == ";" else index

    def loop_by_macro(self, index):
        """FOR_EACH (...) { or FOR_EACH (...) if: a call that is followed by no operator."""
        if self.tokens[index].kind != "word" or self.text(index + 1) != "(":
            return False
        after = closing(self.tokens, index + 1) + 1
        return self.text(after) == "{"

    def statement(self, index, depth):
        text = self.text(index)
        if text == "{":
            return self.block(index, depth)
        if text == "if":
            return self.if_statement(index, depth)
        if text in ("for", "while", "switch") or self.loop_by_macro(index):
            return self.controlled(closing(self.tokens, index + 1) + 1, depth)
        if text == "do":
            return self.simple(self.controlled(index + 1, depth))
        if text in ("case", "default"):
            while self.text(index) != ":":
                index += 1
            return index + 1
        return self.simple(index)


def complexity(tokens):
    """McCabe's number, a switch counted as one decision (what pmccabe calls modified)."""
    texts = [t.text for t in tokens]
    pairs = list(zip(texts, texts[1:]))
    return (1 + sum(text in ("if", "for", "while", "switch", "?") for text in texts)
            + pairs.count(("&", "&")) + pairs.count(("|", "|")))


def count_parameters(tokens):
    """Of the tokens between a function's parentheses."""
    texts = [t.text for t in tokens]
    if texts in ([], ["void"]):
        return 0
    depth = commas = 0
    for text in texts:
        depth += (text in "([{") - (text in ")]}")
        commas += text == "," and depth == 0
    return commas + 1


def skip_attributes(tokens, index):
    while index + 1 < len(tokens) and tokens[index].text == "__attribute__":
        index = closing(tokens, index + 1) + 1
    return index


def functions(text):
    """Every function definition of a file, in order."""
    tokens = code_tokens(text)
    found, index, start = [], 0, 0
    while index < len(tokens):
        token = tokens[index]
        if token.text == "(":
            end = closing(tokens, index)
            body = skip_attributes(tokens, end + 1)
            named = index > start and tokens[index - 1].kind == "word"
            if named and tokens[index - 1].text != "__attribute__" and body < len(tokens) \
                    and tokens[body].text == "{":
                last = closing(tokens, body)
                inside = tokens[body:last + 1]
                walk = Nesting(inside)
                walk.block(0, 0)
                found.append(Function(tokens[index - 1].text, tokens[start].line, tokens[last].line,
                                      count_parameters(tokens[index + 1:end]), walk.deepest,
                                      complexity(inside)))
                index = start = last + 1
                continue
            index = end
        elif token.text == "{":
            index = closing(tokens, index)
        elif token.text == ";":
            start = index + 1
        index += 1
    return found
