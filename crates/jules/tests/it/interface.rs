//! The client's public interface, item by item, in `snapshots/`: it changes only on purpose.
//!
//! A line that goes, or changes, breaks users: once there is a release, that needs a new minor version (while the major
//! one is 0). A line that comes is an addition; a field or a variant only if its type is `#[non_exhaustive]` or has private
//! fields (`_private`).
//!
//! The listing is read from the sources, so that it needs no compiler of its own. What a macro writes is listed once, with
//! `macro_name` for its parameter `$name`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Fields, ImplItem, Item, ItemImpl, ItemStruct, Visibility, parse_quote};

use crate::rust::{leaves, parsed};

#[test]
fn the_public_interface_changes_only_on_purpose() {
    let mut files = parsed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    files.retain(|(path, _)| !path.contains("tests"));
    let root = files.iter().filter(|(path, _)| path == "lib.rs").flat_map(|(_, file)| &file.items);
    let uses = root.filter_map(|item| match item {
        Item::Use(item) if is_public(&item.vis) => Some(leaves(&item.tree, "")),
        _ => None,
    });
    let exported: BTreeSet<String> = uses.flatten().map(|(_, name)| name).collect();
    let items: Vec<Item> = files.into_iter().flat_map(|(_, file)| file.items).flat_map(expanded).collect();
    let private = items.iter().filter_map(|item| match item {
        Item::Trait(item) if !exported.contains(&item.ident.to_string()) => Some(item.ident.to_string()),
        _ => None,
    });
    let private = private.collect();
    let mut listing = Listing { exported, private, ..Listing::default() };
    items.into_iter().for_each(|item| listing.item(item));
    let text = listing.text();
    let untold: Vec<_> =
        listing.exported.iter().filter(|name| !words(&text).any(|word| word == *name)).collect();
    assert!(listing.exported.len() > 50 && untold.is_empty(), "exported, and not in the listing: {untold:?}");
    insta::assert_snapshot!(text);
}

#[derive(Default)]
struct Listing {
    exported: BTreeSet<String>,
    /// Traits that are nobody else's business.
    private: BTreeSet<String>,
    types: Vec<Item>,
    /// By their heads.
    impls: BTreeMap<String, ItemImpl>,
}

impl Listing {
    fn item(&mut self, mut item: Item) {
        PublicPart.visit_item_mut(&mut item);
        let is_ours = |name: &Ident, seen| {
            is_public(seen) && (is_parameter(&name.to_string()) || self.exported.contains(&name.to_string()))
        };
        let is_told = match &item {
            Item::Struct(item) => is_ours(&item.ident, &item.vis),
            Item::Enum(item) => is_ours(&item.ident, &item.vis),
            Item::Const(item) => is_ours(&item.ident, &item.vis),
            Item::Type(item) => is_ours(&item.ident, &item.vis),
            Item::Fn(item) => is_ours(&item.sig.ident, &item.vis),
            Item::Use(item) => is_public(&item.vis) && matches!(item.tree, syn::UseTree::Name(_)),
            Item::Macro(_) => true,
            _ => false,
        };
        if is_told {
            self.types.push(item);
        } else if let Item::Impl(item) = item {
            self.implementation(item);
        }
    }

    fn implementation(&mut self, mut item: ItemImpl) {
        let parts = std::mem::take(&mut item.items);
        let head = text(item.clone().into());
        let is_about_ours = words(&head).any(|word| is_parameter(word) || self.exported.contains(word));
        let is_private = words(&head).any(|word| self.private.contains(word));
        if is_about_ours && !is_private && (item.trait_.is_some() || !parts.is_empty()) {
            self.impls.entry(head).or_insert(item).items.extend(parts);
        }
    }

    fn text(&self) -> String {
        let by_name = |part: &ImplItem| text(parse_quote!(impl X { #part }));
        let impls = self.impls.values().cloned().map(|mut item| {
            item.items.sort_by_cached_key(by_name);
            item.into()
        });
        let mut texts: Vec<_> = self.types.iter().cloned().chain(impls).map(text).collect();
        texts.sort();
        texts.concat()
    }
}

/// Drops what nobody outside sees: other attributes, private fields and methods, bodies.
struct PublicPart;

impl VisitMut for PublicPart {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|one| one.path().is_ident("derive") || one.path().is_ident("non_exhaustive"));
    }

    fn visit_item_struct_mut(&mut self, item: &mut ItemStruct) {
        visit_mut::visit_item_struct_mut(self, item);
        let public: Vec<_> = item.fields.iter().filter(|field| is_public(&field.vis)).cloned().collect();
        if public.len() < item.fields.len() {
            item.fields = Fields::Named(parse_quote!({ #(#public,)* _private: () }));
            item.semi_token = None;
        }
    }

    fn visit_item_impl_mut(&mut self, item: &mut ItemImpl) {
        item.items.retain(|part| match part {
            ImplItem::Fn(part) => is_public(&part.vis),
            ImplItem::Const(part) => is_public(&part.vis),
            ImplItem::Type(_) => true,
            _ => false,
        });
        visit_mut::visit_item_impl_mut(self, item);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        block.stmts.clear();
    }
}

/// The items that a macro of ours writes, or the item itself.
fn expanded(item: Item) -> Vec<Item> {
    let Item::Macro(mut item) = item else { return vec![item] };
    if item.ident.is_none() {
        item.mac.tokens = once(item.mac.tokens);
        return vec![item.into()];
    }
    let bodies = item.mac.tokens.into_iter().filter_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == proc_macro2::Delimiter::Brace => Some(group.stream()),
        _ => None,
    });
    bodies.flat_map(|body| syn::parse2::<syn::File>(once(body)).unwrap().items).collect()
}

/// A macro's text without docs, with names for its parameters, and with one round of its repetitions.
fn once(text: TokenStream) -> TokenStream {
    let mut text = text.into_iter().peekable();
    let mut out = Vec::new();
    while let Some(token) = text.next() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '$' => match text.next() {
                Some(TokenTree::Group(repeated)) => {
                    out.extend(once(repeated.stream()));
                    // Up to the `*`, behind the separator.
                    text.by_ref().find(|token| ["*", "+", "?"].contains(&token.to_string().as_str()));
                }
                Some(name) => out.push(Ident::new(&format!("macro_{name}"), Span::call_site()).into()),
                None => {}
            },
            TokenTree::Punct(sign) if sign.as_char() == '#' && text.peek().is_some_and(is_doc) => {
                drop(text.next());
            }
            TokenTree::Group(group) => out.push(Group::new(group.delimiter(), once(group.stream())).into()),
            other => out.push(other),
        }
    }
    out.into_iter().collect()
}

fn is_doc(attribute: &TokenTree) -> bool {
    attribute.to_string().starts_with("[doc")
}

fn is_parameter(name: &str) -> bool {
    name.starts_with("macro_")
}

fn is_public(seen: &Visibility) -> bool {
    matches!(seen, Visibility::Public(_))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

fn text(item: Item) -> String {
    prettyplease::unparse(&syn::File { shebang: None, attrs: Vec::new(), items: vec![item] })
}
