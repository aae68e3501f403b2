//! How a key is declared: its type, its documentation, its default and its limits stand once, in [`settings!`].

use std::time::Duration;

use jiff::SignedDuration;
use schemars::Schema;
use serde_json::Value;

use super::diagnostic::Diagnostic;
use super::document::Span;
use super::duration::Period;
use super::located::Located;
use super::policy::{Backoff, Expect, GiveUp, OnNoChange, PlanApproval, PollStrategy, RetryOn};
use super::pull_requests::{IfClosed, IfExists};
use super::waves::{PassWhen, Then, WaveOrder};

/// What a key means: a value without options, made from what is written.
pub(crate) trait Setting: Sized {
    /// How a manifest writes it.
    type Written: Clone;

    fn meant(written: Located<Self::Written>) -> Self;

    /// The value as a manifest writes it; `None` where nothing can be written for it.
    fn shown(&self) -> Option<Value> {
        None
    }

    /// Fills in what `own` leaves open; only a group of settings leaves anything open.
    fn overlay(_own: &mut Self::Written, _below: &Self::Written) {}

    /// Says what is wrong with what is written under `key`.
    fn check(_written: &Located<Self::Written>, _key: &str, _limits: &[Limit], _wrong: &mut Wrong<'_>) {}
}

/// Takes a mistake and where it stands.
pub(crate) type Wrong<'a> = dyn FnMut(Diagnostic, Span) + 'a;

/// What a value must keep beyond its type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    AtLeast(u32),
    AtMost(u32),
    NotZero,
}

/// What `own` says, and where it says nothing what `below` says.
pub(super) fn overlay<S: Setting>(
    own: &mut Option<Located<S::Written>>,
    below: Option<&Located<S::Written>>,
) {
    match (own, below) {
        (Some(own), Some(below)) => S::overlay(&mut own.value, &below.value),
        (own @ None, below) => *own = below.cloned(),
        (Some(_), None) => {}
    }
}

/// Adds a key's default and limits to its schema.
pub(super) fn describe<S: Setting>(schema: &mut Schema, default: &S, limits: &[Limit]) {
    if let Some(default) = default.shown() {
        schema.insert("default".to_owned(), default);
    }
    for limit in limits {
        match *limit {
            Limit::AtLeast(least) => schema.insert("minimum".to_owned(), least.into()),
            Limit::AtMost(most) => schema.insert("maximum".to_owned(), most.into()),
            // A duration is a text.
            Limit::NotZero => None,
        };
    }
}

/// Declares a group of settings: `struct MEANT, written WRITTEN { key: Type = default, limit…; … }`.
///
/// Two types come of it. `MEANT` has the fields as they stand, with its `Default`; a field without a default takes its
/// type's. `WRITTEN` has an `Option` of each for the deserializer and the schema. [`Setting`] leads from one to the
/// other. `and MEANT, written WRITTEN { … }` declares a second group with the first one's keys and more.
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        #[derive($($derive:ident),*)]
        $vis:vis struct $meant:ident, written $(#[$attribute:meta])* $written:ident {
            $(
                $(#[doc = $doc:literal])*
                $(#[schemars($($schema:tt)*)])?
                $field:ident: $type:ty $(= $default:expr)? $(, $limit:expr)*;
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive($($derive),*)]
        $vis struct $meant {
            $($(#[doc = $doc])* $vis $field: $type,)*
        }

        impl Default for $meant {
            fn default() -> Self {
                Self { $($field: settings!(@default $type $(, $default)?),)* }
            }
        }

        $(#[doc = $about])*
        #[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        $(#[$attribute])*
        pub(crate) struct $written {
            $(
                $(#[doc = $doc])*
                $(#[schemars($($schema)*)])?
                #[schemars(transform = |schema: &mut schemars::Schema| {
                    $crate::manifest::setting::describe::<$type>(schema, &$meant::default().$field, &[$($limit),*]);
                })]
                pub(crate) $field: Option<Located<<$type as Setting>::Written>>,
            )*
        }

        impl Setting for $meant {
            type Written = $written;

            fn meant(written: Located<$written>) -> Self {
                let (written, default) = (written.value, Self::default());
                Self { $($field: written.$field.map_or(default.$field, Setting::meant),)* }
            }

            fn overlay(own: &mut $written, below: &$written) {
                $($crate::manifest::setting::overlay::<$type>(&mut own.$field, below.$field.as_ref());)*
            }

            fn check(
                written: &Located<$written>,
                key: &str,
                _: &[$crate::manifest::setting::Limit],
                wrong: &mut $crate::manifest::setting::Wrong<'_>,
            ) {
                $(if let Some(written) = &written.$field {
                    let name = stringify!($field).replace('_', "-");
                    let key = if key.is_empty() { name } else { format!("{key}.{name}") };
                    <$type as Setting>::check(written, &key, &[$($limit),*], wrong);
                })*
            }
        }
    };
    (
        $(#[doc = $about:literal])*
        #[derive($($derive:ident),*)]
        $vis:vis struct $meant:ident, written $written:ident {
            $($(#[doc = $doc:literal])* $field:ident: $type:ty $(= $default:expr)? $(, $limit:expr)*;)*
        }
        $(#[doc = $wide_about:literal])*
        and $wide_meant:ident, written $wide_written:ident { $($more:tt)* }
    ) => {
        settings! {
            $(#[doc = $about])*
            #[derive($($derive),*)]
            $vis struct $meant, written $written {
                $($(#[doc = $doc])* $field: $type $(= $default)? $(, $limit)*;)*
            }
        }

        settings! {
            $(#[doc = $wide_about])*
            #[derive($($derive),*)]
            $vis struct $wide_meant, written $wide_written {
                $($(#[doc = $doc])* $field: $type $(= $default)? $(, $limit)*;)*
                $($more)*
            }
        }

        impl From<$wide_written> for $written {
            fn from(wide: $wide_written) -> Self {
                Self { $($field: wide.$field,)* }
            }
        }
    };
    (@default $type:ty) => { <$type>::default() };
    (@default $type:ty, $default:expr) => { $default };
}
pub(super) use settings;

/// Written as it is meant, by a name or a list of names.
macro_rules! meant_as_written {
    ($($type:ty),*) => {$(
        impl Setting for $type {
            type Written = Self;

            fn meant(written: Located<Self>) -> Self {
                written.value
            }

            fn shown(&self) -> Option<Value> {
                serde_json::to_value(self).ok()
            }
        }
    )*};
}
meant_as_written!(bool, Backoff, Expect, GiveUp, OnNoChange, PlanApproval, PollStrategy, Vec<RetryOn>);
meant_as_written!(IfClosed, IfExists, PassWhen, Then, WaveOrder);

impl Setting for u32 {
    type Written = Self;

    fn meant(written: Located<Self>) -> Self {
        written.value
    }

    fn shown(&self) -> Option<Value> {
        Some((*self).into())
    }

    fn check(written: &Located<Self>, key: &str, limits: &[Limit], wrong: &mut Wrong<'_>) {
        for limit in limits {
            let rule = match *limit {
                Limit::AtLeast(least) if written.value < least => format!("at least {least}"),
                Limit::AtMost(most) if written.value > most => format!("at most {most}"),
                Limit::AtLeast(_) | Limit::AtMost(_) | Limit::NotZero => continue,
            };
            wrong(Diagnostic::new(format!("`{key}` must be {rule}")), written.span);
        }
    }
}

impl Setting for usize {
    type Written = u32;

    fn meant(written: Located<u32>) -> Self {
        written.value as Self
    }

    fn shown(&self) -> Option<Value> {
        Some((*self).into())
    }

    fn check(written: &Located<u32>, key: &str, limits: &[Limit], wrong: &mut Wrong<'_>) {
        u32::check(written, key, limits, wrong);
    }
}

impl Setting for Duration {
    type Written = Period;

    fn meant(written: Located<Period>) -> Self {
        written.value.0
    }

    fn shown(&self) -> Option<Value> {
        const DAY: u64 = 24 * 60 * 60;
        match self.as_secs() {
            secs if secs >= 2 * DAY && secs % DAY == 0 => Some(format!("{}d", secs / DAY).into()),
            _ => SignedDuration::try_from(*self).ok().map(|duration| format!("{duration:#}").into()),
        }
    }

    fn check(written: &Located<Period>, key: &str, limits: &[Limit], wrong: &mut Wrong<'_>) {
        if matches!(limits, [Limit::NotZero]) && written.value.0.is_zero() {
            wrong(Diagnostic::new(format!("`{key}` must be longer than zero")), written.span);
        }
    }
}

/// Without a default: nothing written means none.
impl<S: Setting> Setting for Option<S> {
    type Written = S::Written;

    fn meant(written: Located<S::Written>) -> Self {
        Some(S::meant(written))
    }

    fn shown(&self) -> Option<Value> {
        self.as_ref().and_then(S::shown)
    }

    fn check(written: &Located<S::Written>, key: &str, limits: &[Limit], wrong: &mut Wrong<'_>) {
        S::check(written, key, limits, wrong);
    }
}

/// What later mistakes point to keeps its place.
impl<T: Clone> Setting for Located<T> {
    type Written = T;

    fn meant(written: Self) -> Self {
        written
    }
}

impl Setting for Vec<Located<String>> {
    type Written = Self;

    fn meant(written: Located<Self>) -> Self {
        written.value
    }
}
