//! What an expression is worth.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior};

use super::filters::{self, Takes};
use super::functions::{self, Function};
use super::node::{Argument, Node, Of};
use super::operators::{Comparison, Truth, compare, equal, every, is_primitive, is_true, member};
use crate::plan::data::{MAX_TEXT, Spelling, join, plain, shown, text, to_json, weight};

/// The most that is counted of a value, in bytes: more than the fuel pays for.
const MOST: usize = 4 << 20;

/// How many bytes one unit of the engine's fuel pays for.
const BYTES_PER_FUEL: usize = 64;

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(50_000));
    engine.set_recursion_limit(64);
    engine.add_filter("string", shown);
    engine.add_filter("join", join);
    engine.add_filter("tojson", to_json);
    engine
});

/// minijinja's arithmetic, which it offers in no other way.
static ARITHMETIC: LazyLock<BTreeMap<&'static str, minijinja::Expression<'static, 'static>>> =
    LazyLock::new(|| {
        let codes =
            ["+", "-", "*", "/", "//", "%", "**", "in", "not in"].map(|sign| (sign, format!("a {sign} b")));
        let others = [(SLICE, "a[b:c:d]".to_owned()), (NEGATIVE, "-a".to_owned())];
        let compiled = codes.into_iter().chain(others).filter_map(|(name, code)| {
            let compiled = ENGINE.compile_expression_owned(code).ok()?;
            Some((name, compiled))
        });
        compiled.collect()
    });

const SLICE: &str = "slice";
const NEGATIVE: &str = "negative";

/// Why an expression has no value, and the bytes of it that say so.
#[derive(Debug)]
pub(in crate::plan) struct Trouble {
    pub(in crate::plan) at: Range<usize>,
    pub(in crate::plan) why: Why,
}

#[derive(Debug)]
pub(in crate::plan) enum Why {
    Undefined,
    TooMuchWork,
    Other(String),
}

/// What an expression may look up.
pub(in crate::plan) trait Names {
    /// The value of a first name.
    fn root(&self, name: &str) -> Option<Value>;

    /// Whether nothing can ever have such a name, so that not even `||` makes up for it.
    fn is_foreign(&self, path: &[String]) -> bool;
}

pub(super) fn evaluate(root: &Node, names: &dyn Names) -> Result<Value, Trouble> {
    Evaluation { names, state: None }.defined(root)
}

struct Evaluation<'a> {
    names: &'a dyn Names,
    /// Made when something is done; it counts the work.
    state: Option<State<'static, 'static>>,
}

impl Evaluation<'_> {
    fn state(&mut self) -> &mut State<'static, 'static> {
        self.state.get_or_insert_with(|| ENGINE.empty_state())
    }

    /// The value of a part; undefined is an error.
    fn defined(&mut self, node: &Node) -> Result<Value, Trouble> {
        let value = self.value(node)?;
        if value.is_undefined() {
            return Err(Trouble { at: node.at.clone(), why: Why::Undefined });
        }
        Ok(value)
    }

    fn all(&mut self, nodes: &[Node]) -> Result<Vec<Value>, Trouble> {
        nodes.iter().map(|node| self.defined(node)).collect()
    }

    /// The value of a part. Only a name may be undefined.
    fn value(&mut self, node: &Node) -> Result<Value, Trouble> {
        let made = match &node.of {
            Of::Value(value) => return Ok(value.clone()),
            Of::Root(name) => return Ok(self.names.root(name).unwrap_or_default()),
            Of::Member(inner, key) => {
                let inner = self.value(inner)?;
                let key = self.defined(key)?;
                return Ok(member(&inner, &key));
            }
            Of::If(parts) => {
                let [yes, test, no] = &**parts;
                let is_true = self.defined(test)?.is_true();
                return self.defined(if is_true { yes } else { no });
            }
            Of::And(parts, truth) => return self.first(parts, *truth, false),
            Of::Or(parts, truth) => return self.first(parts, *truth, true),
            Of::Not(inner, truth) => Value::from(!is_true(&self.defined(inner)?, *truth)),
            Of::Every(inner) => every(&self.defined(inner)?),
            Of::List(items) => Value::from(self.all(items)?),
            Of::Map(entries) => {
                let entries =
                    entries.iter().map(|(key, value)| Ok((self.defined(key)?, self.defined(value)?)));
                Value::from_pairs(entries.collect::<Result<Vec<_>, Trouble>>()?)
            }
            Of::Joined(parts) => self.joined(node, parts)?,
            Of::Comparison(comparison, sides) => {
                let (a, b) = (self.defined(&sides[0])?, self.defined(&sides[1])?);
                self.pay_for(node, &a)?;
                self.pay_for(node, &b)?;
                Value::from(holds(*comparison, &a, &b))
            }
            Of::Arithmetic(operator, sides) => {
                let (a, b) = (self.defined(&sides[0])?, self.defined(&sides[1])?);
                self.arithmetic(node, operator, &[("a", a), ("b", b)])?
            }
            Of::Negative(inner) => {
                let inner = self.defined(inner)?;
                self.arithmetic(node, NEGATIVE, &[("a", inner)])?
            }
            Of::Slice(parts) => {
                let names = ["a", "b", "c", "d"];
                let values = names.iter().zip(&**parts).map(|(name, part)| Ok((*name, self.defined(part)?)));
                let values = values.collect::<Result<Vec<_>, Trouble>>()?;
                self.arithmetic(node, SLICE, &values)?
            }
            Of::Call(function, arguments) => self.call(node, *function, arguments)?,
            Of::Filter(inner, name, arguments) => self.filter(node, inner, name, arguments)?,
            Of::Test(inner, name, arguments) => self.test(node, inner, name, arguments)?,
        };
        self.charged(node, made)
    }

    /// The first part that is as true as `wanted`, or the last.
    fn first(&mut self, parts: &[Node], truth: Truth, wanted: bool) -> Result<Value, Trouble> {
        let mut last = Value::from(());
        for (at, part) in parts.iter().enumerate() {
            let is_default_given = wanted && truth == Truth::GitHub && at + 1 < parts.len();
            last = match self.value(part)? {
                value if value.is_undefined() && is_default_given && self.may_lack(part) => continue,
                value if value.is_undefined() => self.defined(part)?,
                value => value,
            };
            if is_true(&last, truth) == wanted {
                break;
            }
        }
        Ok(last)
    }

    /// Whether a name without a value is nothing on the left of `||`: not one that the manifest would have to list.
    fn may_lack(&self, part: &Node) -> bool {
        part.path().is_none_or(|path| !self.names.is_foreign(&path))
    }

    fn joined(&mut self, node: &Node, parts: &[Node]) -> Result<Value, Trouble> {
        let mut joined = String::new();
        for part in parts {
            let more = text(&self.defined(part)?).filter(|more| joined.len() + more.len() <= MAX_TEXT);
            joined.push_str(&more.ok_or(Trouble { at: node.at.clone(), why: Why::TooMuchWork })?);
        }
        Ok(joined.into())
    }

    fn arithmetic(
        &mut self,
        node: &Node,
        operator: &str,
        values: &[(&str, Value)],
    ) -> Result<Value, Trouble> {
        for (_, value) in values {
            self.pay_for(node, value)?;
        }
        // Lists are joined, repeated and cut as they are; looked through, their numbers count.
        let looks_within = matches!(operator, "in" | "not in");
        let number =
            |value: &Value| if looks_within || is_primitive(value) { plain(value) } else { value.clone() };
        let values = Value::from_pairs(values.iter().map(|(name, value)| (*name, number(value))));
        let made = ARITHMETIC.get(operator).map(|compiled| compiled.eval(values));
        made.transpose().map(Option::unwrap_or_default).map_err(|error| trouble(node, &error))
    }

    fn call(&mut self, node: &Node, function: Function, arguments: &[Argument]) -> Result<Value, Trouble> {
        let values = self.arguments(arguments)?;
        for value in &values {
            self.pay_for(node, value)?;
        }
        if matches!(function, Function::Dict | Function::Range) {
            let values: Vec<Value> = values.iter().map(plain).collect();
            let called = ENGINE.globals().find(|(name, _)| *name == function.name());
            let called = called.map(|(_, called)| called.call(self.state(), &values));
            return called.transpose().map(Option::unwrap_or_default).map_err(|error| trouble(node, &error));
        }
        functions::call(function, &values)
            .map_err(|why| Trouble { at: node.at.clone(), why: Why::Other(why) })
    }

    /// The values of arguments; those with a name are gathered at the end.
    fn arguments(&mut self, arguments: &[Argument]) -> Result<Vec<Value>, Trouble> {
        let mut values = Vec::with_capacity(arguments.len());
        let mut named = Vec::new();
        for argument in arguments {
            let value = self.defined(&argument.value)?;
            match &argument.name {
                Some(name) => named.push((name.clone(), value)),
                None => values.push(value),
            }
        }
        if !named.is_empty() {
            values.push(Kwargs::from_iter(named).into());
        }
        Ok(values)
    }

    /// What a filter or a test works on, paid for: the value before it, which may be undefined, and its arguments.
    fn operands(
        &mut self,
        node: &Node,
        inner: &Node,
        may_lack: bool,
        arguments: &[Argument],
    ) -> Result<Vec<Value>, Trouble> {
        let mut values = vec![if may_lack { self.value(inner)? } else { self.defined(inner)? }];
        values.extend(self.arguments(arguments)?);
        for value in &values {
            self.pay_for(node, value)?;
        }
        Ok(values)
    }

    fn filter(
        &mut self,
        node: &Node,
        inner: &Node,
        name: &str,
        arguments: &[Argument],
    ) -> Result<Value, Trouble> {
        let takes = filters::takes(name);
        let mut values = self.operands(node, inner, takes == Takes::Anything, arguments)?;
        let mut spelling = Spelling::default();
        if takes == Takes::Choice {
            values.iter().for_each(|value| spelling.learn(value));
        }
        match takes {
            Takes::Anything | Takes::AsItIs => {}
            Takes::Text => {
                for value in values.iter_mut().filter(|value| value.kind() == ValueKind::Plain) {
                    *value = text(value).unwrap_or_default().into();
                }
            }
            Takes::Numbers | Takes::Choice => {
                values.iter_mut().filter(|value| !value.is_kwargs()).for_each(|value| *value = plain(value));
            }
        }
        let made = self.state().apply_filter(name, &values).map_err(|error| trouble(node, &error))?;
        Ok(spelling.restore(made))
    }

    fn test(
        &mut self,
        node: &Node,
        inner: &Node,
        name: &str,
        arguments: &[Argument],
    ) -> Result<Value, Trouble> {
        let values = self.operands(node, inner, filters::is_about_definition(name), arguments)?;
        let values: Vec<Value> = values.iter().map(plain).collect();
        let holds = self.state().perform_test(name, &values).map_err(|error| trouble(node, &error))?;
        Ok(holds.into())
    }

    /// Pays for work on a value, however much is in it.
    fn pay_for(&mut self, node: &Node, value: &Value) -> Result<(), Trouble> {
        self.pay(node, weight(value, MOST))
    }

    fn pay(&mut self, node: &Node, bytes: usize) -> Result<(), Trouble> {
        let fuel = 1 + bytes / BYTES_PER_FUEL;
        let paid = self.state().consume_fuel(u64::try_from(fuel).unwrap_or(u64::MAX));
        paid.map_err(|error| trouble(node, &error))
    }

    /// A value that was made, paid for. What is only to be counted through becomes a list.
    fn charged(&mut self, node: &Node, value: Value) -> Result<Value, Trouble> {
        match value.kind() {
            ValueKind::String => self.pay(node, value.as_str().map_or(0, str::len))?,
            ValueKind::Seq | ValueKind::Map => self.pay(node, value.len().unwrap_or(0) * 32)?,
            ValueKind::Iterable => {
                let mut items = Vec::new();
                for item in value.try_iter().map_err(|error| trouble(node, &error))? {
                    self.pay(node, 0)?;
                    items.push(item);
                }
                return Ok(items.into());
            }
            _ => {}
        }
        Ok(value)
    }
}

fn holds(comparison: Comparison, a: &Value, b: &Value) -> bool {
    match comparison {
        Comparison::Equal => equal(a, b),
        Comparison::Unequal => !equal(a, b),
        Comparison::Less => compare(a, b) == Some(Ordering::Less),
        Comparison::LessOrEqual => equal(a, b) || compare(a, b) == Some(Ordering::Less),
        Comparison::Greater => compare(a, b) == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => equal(a, b) || compare(a, b) == Some(Ordering::Greater),
    }
}

fn trouble(node: &Node, error: &Error) -> Trouble {
    let why = match error.kind() {
        ErrorKind::OutOfFuel => Why::TooMuchWork,
        ErrorKind::UndefinedError => Why::Undefined,
        _ => Why::Other(error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)),
    };
    Trouble { at: node.at.clone(), why }
}
