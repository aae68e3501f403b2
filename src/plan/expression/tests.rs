mod generated;

use super::*;
use crate::manifest::Literal;
use crate::plan::data::{text, to_value};
use crate::plan::scope::Scope;

fn scope(matrix: &str) -> Scope {
    Scope { matrix: Some(to_value(&Literal::read(matrix))), ..Scope::default() }
}

/// The text of an expression; nothing where it is refused or lacks something.
fn shown(code: &str, scope: &Scope) -> Option<String> {
    text(&Expression::parse(code).ok()?.evaluate(scope).ok()?)
}

#[test]
fn expressions_are_worth_what_they_are_on_github() {
    // `tests/readers/expressions.mjs` writes what they are worth by GitHub's own package.
    let table: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/readers/expressions.json")).unwrap();
    let list = |of: &serde_json::Value| of.as_array().unwrap().clone();
    let text = |of: &serde_json::Value| of.as_str().unwrap().to_owned();
    let scope = scope(&text(&table["matrix"]));
    let mut cases: Vec<(String, Option<String>)> = Vec::new();
    let mut add =
        |code: String, result: &serde_json::Value| cases.push((code, result.as_str().map(str::to_owned)));
    for (code, result) in list(&table["single"]).iter().zip(list(&table["results"]["single"])) {
        add(text(code), &result);
    }
    let values = list(&table["values"]);
    for (pattern, results) in list(&table["unary"]).iter().zip(list(&table["results"]["unary"])) {
        for (a, result) in values.iter().zip(list(&results)) {
            add(text(pattern).replace("$a", &text(a)), &result);
        }
    }
    for (pattern, rows) in list(&table["binary"]).iter().zip(list(&table["results"]["binary"])) {
        for (a, results) in values.iter().zip(list(&rows)) {
            for (b, result) in values.iter().zip(list(&results)) {
                add(text(pattern).replace("$a", &text(a)).replace("$b", &text(b)), &result);
            }
        }
    }
    let mut differences: std::collections::BTreeMap<String, Option<String>> =
        std::collections::BTreeMap::new();
    for expressions in table["differences"].as_object().unwrap().values() {
        for (code, ours) in expressions.as_object().unwrap() {
            differences.insert(code.clone(), ours.as_str().map(str::to_owned));
        }
    }
    let mut wrong = Vec::new();
    for (code, github) in cases {
        let ours = shown(&code, &scope);
        match differences.get(&code) {
            Some(other) if *other == ours && ours != github => {}
            None if ours == github => {}
            listed => wrong.push(format!("{code}\t{github:?}\t{ours:?}\t{listed:?}")),
        }
    }
    assert!(wrong.is_empty(), "expression, GitHub's, ours, listed:\n{}", wrong.join("\n"));
}

const MATRIX: &str = "{ v: 3.10, w: 1.10, zeros: 007, list: [3.10, 3.9, 10, 1.50], same: [1.0, 1, 2], hex: 0x10, none: ~, empty: [],
    name: serde, Py-V: { Min-V: '3.9' }, rows: [{ n: 1.50, on: true }, { n: 2, on: false }] }";

#[test]
fn minijinjas_filters_stand_beside() {
    let scope = scope(MATRIX);
    for (code, expected) in [
        ("matrix.name | upper", "SERDE"),
        ("matrix.name == 'SERDE' && matrix.name | upper || 'x'", "SERDE"),
        ("!matrix.nope | default(false)", "true"),
        ("matrix.nope | default('d') | upper", "D"),
        ("'a' if matrix.v > 3 else 'b'", "a"),
        ("'a' if false else 'b' if false else 'c'", "c"),
        ("not matrix.empty", "true"),
        ("!matrix.empty", "false"),
        ("matrix.empty and 1 or 2", "2"),
        ("matrix.empty && 1 || 2", "1"),
        ("matrix.nope is defined || matrix.name is startingwith 's'", "true"),
        ("matrix.name is not defined", "false"),
        ("4 is divisibleby 2 and 4 is even", "true"),
        ("matrix.none is none", "true"),
        ("'a' ~ 1.50 ~ none ~ true ~ [1.50]", "a1.50true[1.50]"),
        ("matrix.list[1:3] | join('+')", "3.9+10"),
        ("matrix.list[::-1] | first", "1.50"),
        ("matrix.name[:3]", "ser"),
        ("{'a': {'b': 1}}.a.b", "1"),
        ("range(3) | join", "012"),
        ("dict(a=1).a", "1"),
        ("-matrix.v | abs", "3.1"),
        ("2 ** 3 + 7 // 2 - 7 % 4 * 2", "5"),
        ("'a' ~ 2 * 3", "a6"),
        ("'b' in ['a', 'b'] and 'x' not in 'abc'", "true"),
        ("[1, 2,] | length", "2"),
        ("matrix.rows | map(attribute='n') | join(' ')", "1.50 2"),
        ("matrix.rows | selectattr('on') | length", "1"),
        ("matrix.rows.*.n | sort | last", "2"),
        ("\"a\\n\\u00e4\\\"\"", "a\nä\""),
        ("'a\\n'", "a\\n"),
        ("matrix.py-v.MIN-v", "3.9"),
    ] {
        assert_eq!(shown(code, &scope).as_deref(), Some(expected), "{code}");
    }
}

#[test]
fn a_number_is_shown_as_written_and_counts_as_a_number() {
    let scope = scope(MATRIX);
    for (code, expected) in [
        ("matrix.w + 1", "2.1"),
        ("matrix.zeros + 1", "8"),
        ("matrix.hex + 1", "17"),
        ("matrix.v", "3.10"),
        ("matrix.v + matrix.w", "4.2"),
        ("3.1 in matrix.list", "true"),
        ("matrix.v in [3.1]", "true"),
        ("matrix.v in ['3.10']", "false"),
        ("matrix.v == '3.10' && matrix.v == 3.1", "true"),
        ("matrix.v < 3.9", "true"),
        ("contains(matrix.list, 3.1)", "true"),
        ("matrix.list | sort", "[1.50,3.10,3.9,10]"),
        ("matrix.list | max", "10"),
        ("matrix.list | min", "1.50"),
        ("matrix.list | sum | round(2)", "18.5"),
        ("matrix.same | unique | length", "2"),
        ("matrix.list | first", "3.10"),
        ("matrix.list | reverse | join(' ')", "1.50 10 3.9 3.10"),
        ("matrix.list | select('gt', 3.5) | list", "[3.9,10]"),
        ("matrix.v | replace('.', '-')", "3-10"),
        ("matrix.v | split('.') | last", "10"),
        ("matrix.v | string | length", "4"),
        ("matrix.v | round(1)", "3.1"),
        ("matrix.v | int", "3"),
        ("matrix.v is number", "true"),
        ("matrix.list | tojson", "[3.10,3.9,10,1.50]"),
        ("toJSON(matrix.rows.*.n)", "[\n  1.50,\n  2\n]"),
        ("matrix.v && 'yes'", "yes"),
        ("0.00 || 'no'", "no"),
        ("matrix.list[1.0]", "3.9"),
        ("'ab' * 2.0 if false else 'x' * 2", "xx"),
    ] {
        assert_eq!(shown(code, &scope).as_deref(), Some(expected), "{code}");
    }
}

/// Where an expression is not understood, and what is said of it.
fn refused(code: &str) -> (usize, String) {
    let wrong = Expression::parse(code).unwrap_err();
    (wrong.at.start, format!("{} [{}]", wrong.what, wrong.help.unwrap_or_default()))
}

#[test]
fn what_is_not_understood_is_told_at_its_place() {
    for (code, at, part) in [
        ("matrix.os; rm", 9, "`;` is not expected here"),
        ("'a' 'b'", 4, "`'b'` is not expected here [in single quotes a quote is doubled"),
        ("matrix.os matrix.n", 10, "an operator is missing"),
        ("a = 'x'", 2, "equal is written `==`"),
        ("a & b", 2, "and is written `&&`"),
        ("a | b", 4, "`b` is no name of a filter [`|` hands a value to a filter, and `||`"),
        ("a | uppr", 4, "did you mean `upper`?"),
        ("a | ", 4, "it ends where the name of a filter is expected"),
        ("a is nothing", 5, "is no name of a test"),
        ("a ? b : c", 2, "`?` is not expected here [a choice is written `TEST && ONE || OTHER`"),
        ("(a == 1", 0, "`(` is not closed by `)`"),
        ("contains(a, 'b'", 8, "`(` is not closed by `)`"),
        ("[1, 2", 0, "`[` is not closed by `]`"),
        ("a['x'", 1, "`[` is not closed by `]`"),
        ("{'a' 1}", 5, "`1` is not expected here"),
        ("'open", 0, "this text is not closed [close it by `'`"),
        ("x == \"a", 5, "this text is not closed"),
        ("\"a\\qb\"", 2, "`\\q` is not expected here"),
        ("contains('a')", 0, "`contains()` takes 2 values, and here it has 1"),
        ("1 + toJSON(1, 2)", 4, "`toJSON()` takes 1 value, and here it has 2"),
        ("contain('a', 'b')", 0, "there is no function `contain()` [did you mean `contains()`?]"),
        ("always()", 0, "which tasks run is said by `needs`"),
        ("upper(a)", 0, "it is a filter: `x | upper`"),
        ("a.items()", 7, "values have no methods: use a filter, as in `x | items`"),
        ("a.trim2()", 7, "as in `x | upper`"),
        ("a.", 2, "it ends where a value is expected"),
        ("a..b", 2, "behind `.` stands a name"),
        ("'x' if a", 4, "`if` has no `else`"),
        ("a and", 5, "it ends where a value is expected"),
        ("and a", 0, "`and` is not expected here"),
        ("1.2.3", 0, "`1.2.3` is no number"),
        ("a #b", 2, "`#` is not expected here"),
        ("“x”", 0, "texts stand in"),
        ("a[]", 2, "`]` is not expected here"),
        ("a | default('x'", 11, "`(` is not closed by `)`"),
        ("range(x=1)", 8, "takes no values by name"),
        ("1 === 1", 4, "`=` is not expected here"),
    ] {
        let (found, what) = refused(code);
        assert!(found == at && what.contains(part), "{code}: {found}: {what}");
    }
    let deep = format!("{}1{}", "(".repeat(500), ")".repeat(500));
    assert!(refused(&deep).1.contains("nested too deeply"));
    assert!(refused(&vec!["1"; 5_000].join(" + ")).1.contains("nested too deeply"));
    let long = vec!["'x'"; 5_000];
    assert_eq!(shown(&long.join(" ~ "), &scope("{}")).unwrap().len(), 5_000);
    assert_eq!(shown(&long.join(" && "), &scope("{}")).unwrap(), "x");
}

#[test]
fn work_has_a_bound() {
    let scope = scope("{ x: a }");
    for code in [
        "'x' * 9999999",
        "range(99999) | sum",
        "('x' * 100000) | replace('x', 'y' * 100000)",
        "[[[0] * 5000] * 5000] * 5000",
        "[[0] * 5000] * 5000 | join",
        "toJSON([[0] * 9000] * 9000)",
        "('x' * 100000) ~ ('x' * 1000000)",
        "[1] | batch(100000000, 'x')",
    ] {
        assert_eq!(shown(code, &scope), None, "{code}");
    }
}

#[test]
fn names_that_are_looked_up_are_known() {
    let names = |code: &str| {
        let expression = Expression::parse(code).unwrap();
        let shown = |name: &Name| {
            format!("{}:{}{}", name.at.start, name.path.join("."), if name.may_lack { "?" } else { "" })
        };
        expression.names().iter().map(shown).collect::<Vec<_>>().join(" ")
    };
    for (code, expected) in [
        ("matrix.a-b['c'][0].d", "0:matrix.a-b.c.0.d"),
        ("vars.x | default(env.Y)", "0:vars.x? 17:env.Y"),
        ("vars.x if vars.x is defined else vars.y", "0:vars.x? 10:vars.x? 33:vars.y"),
        ("vars.a || vars.b || vars.c", "0:vars.a? 10:vars.b? 20:vars.c"),
        ("vars.a && vars.b", "0:vars.a 10:vars.b"),
        ("dict(key=vars.x) and true", "9:vars.x"),
        ("{'k': vars.x, vars.y: 1}", "6:vars.x 14:vars.y"),
        ("vars[matrix.k].*.x", "0:vars 5:matrix.k"),
        ("Matrix.OS", "0:matrix.OS"),
    ] {
        assert_eq!(names(code), expected, "{code}");
    }
}
