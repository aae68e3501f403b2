//! Which operators there are, and how tightly they bind.

use super::operators::{Comparison, Truth};
use super::token::{Kind, Token};

/// How tightly operators bind.
pub(super) mod level {
    pub(in super::super) const LOWEST: u8 = 0;
    pub(in super::super) const OR: u8 = 1;
    pub(in super::super) const AND: u8 = 2;
    pub(in super::super) const NOT: u8 = 3;
    pub(in super::super) const EQUALITY: u8 = 4;
    pub(in super::super) const ORDER: u8 = 5;
    pub(in super::super) const SUM: u8 = 6;
    pub(in super::super) const JOIN: u8 = 7;
    pub(in super::super) const PRODUCT: u8 = 8;
    pub(in super::super) const POWER: u8 = 9;
}

/// An operator between two operands.
#[derive(Clone, Copy)]
pub(super) enum Infix {
    Or(Truth),
    And(Truth),
    Comparison(Comparison),
    Arithmetic(&'static str),
    Join,
}

/// The operator between two operands that a word is, and its level; `after` follows it.
pub(super) fn infix(token: &Token<'_>, after: &Token<'_>) -> Option<(Infix, u8)> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Unequal};
    Some(match (&token.kind, token.text) {
        (Kind::Symbol, "||") => (Infix::Or(Truth::GitHub), level::OR),
        (Kind::Name, "or") => (Infix::Or(Truth::Minijinja), level::OR),
        (Kind::Symbol, "&&") => (Infix::And(Truth::GitHub), level::AND),
        (Kind::Name, "and") => (Infix::And(Truth::Minijinja), level::AND),
        (Kind::Symbol, "==") => (Infix::Comparison(Equal), level::EQUALITY),
        (Kind::Symbol, "!=") => (Infix::Comparison(Unequal), level::EQUALITY),
        (Kind::Symbol, "<") => (Infix::Comparison(Less), level::ORDER),
        (Kind::Symbol, "<=") => (Infix::Comparison(LessOrEqual), level::ORDER),
        (Kind::Symbol, ">") => (Infix::Comparison(Greater), level::ORDER),
        (Kind::Symbol, ">=") => (Infix::Comparison(GreaterOrEqual), level::ORDER),
        (Kind::Name, "in") => (Infix::Arithmetic("in"), level::ORDER),
        (Kind::Name, "not") if after.is_word("in") => (Infix::Arithmetic("not in"), level::ORDER),
        (Kind::Symbol, "+") => (Infix::Arithmetic("+"), level::SUM),
        (Kind::Symbol, "-") => (Infix::Arithmetic("-"), level::SUM),
        (Kind::Symbol, "~") => (Infix::Join, level::JOIN),
        (Kind::Symbol, "*") => (Infix::Arithmetic("*"), level::PRODUCT),
        (Kind::Symbol, "/") => (Infix::Arithmetic("/"), level::PRODUCT),
        (Kind::Symbol, "//") => (Infix::Arithmetic("//"), level::PRODUCT),
        (Kind::Symbol, "%") => (Infix::Arithmetic("%"), level::PRODUCT),
        (Kind::Symbol, "**") => (Infix::Arithmetic("**"), level::POWER),
        _ => return None,
    })
}
