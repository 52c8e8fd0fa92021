//! A mutant is switched on by a number in the binary: in the copy of the sources each place that
//! cargo-mutants would change asks which mutant is on.

use crate::list::Mutant;
use proc_macro2::Span;
use std::collections::BTreeMap;
use std::ops::Range;
use syn::visit::{self, Visit};
use syn::{Arm, Block, Expr, Item, spanned::Spanned};

/// What is put into a source at a place, and for which mutant.
struct Insertion {
    at: usize,
    /// Of several at one place the outer prefix comes first and the outer suffix last.
    order: (u8, isize, isize),
    text: String,
    mutant: Option<usize>,
}

/// A source with switches, and where each mutant's own text stands in it.
pub struct Switched {
    pub text: String,
    pub places: Vec<(Range<usize>, usize)>,
    /// Mutants that have no switch here.
    pub left: Vec<usize>,
}

struct Visitor<'a> {
    source: &'a str,
    /// By the span that cargo-mutants names.
    wanted: BTreeMap<(usize, usize), Vec<(usize, &'a Mutant)>>,
    insertions: Vec<Insertion>,
    constant: bool,
    choices: isize,
    wildcard: bool,
}

const ON: &str = "crate::mutant_switch::on()";

/// Puts a switch for each of the mutants, which are of this one file, into its source.
pub fn switch(source: &str, mutants: &[(usize, &Mutant)]) -> Switched {
    let file = syn::parse_file(source).expect("a source that parses");
    let mut wanted: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for &(number, mutant) in mutants {
        let span = mutant.bytes(source);
        wanted.entry((span.start, span.end)).or_default().push((number, mutant));
    }
    let mut visitor = Visitor {
        source,
        wanted,
        insertions: Vec::new(),
        constant: false,
        choices: 0,
        wildcard: false,
    };
    visitor.visit_file(&file);
    let left = visitor.wanted.values().flatten().map(|(number, _)| *number).collect();
    let mut insertions = visitor.insertions;
    insertions.sort_by_key(|one| (one.at, one.order));
    let (mut text, mut places, mut done) = (String::new(), Vec::new(), 0);
    for one in insertions {
        text.push_str(&source[done..one.at]);
        done = one.at;
        if let Some(mutant) = one.mutant {
            places.push((text.len()..text.len() + one.text.len(), mutant));
        }
        text.push_str(&one.text);
    }
    text.push_str(&source[done..]);
    Switched { text, places, left }
}

impl<'a> Visitor<'a> {
    fn take(&mut self, span: Span) -> Vec<(usize, &'a Mutant)> {
        self.take_range(span.byte_range())
    }

    fn take_range(&mut self, range: Range<usize>) -> Vec<(usize, &'a Mutant)> {
        if self.constant {
            return Vec::new();
        }
        self.wanted.remove(&(range.start, range.end)).unwrap_or_default()
    }

    fn text(&self, span: Span) -> &'a str {
        &self.source[span.byte_range()]
    }

    fn insert(
        &mut self,
        at: usize,
        order: (u8, isize, isize),
        text: String,
        mutant: Option<usize>,
    ) {
        self.insertions.push(Insertion { at, order, text, mutant });
    }

    /// `whole` becomes a choice between the alternatives and itself.
    fn choose(&mut self, whole: Span, alternatives: Vec<(usize, String)>) {
        if alternatives.is_empty() {
            return;
        }
        let range = whole.byte_range();
        let (start, end) = (range.start, range.end);
        // A longer expression is further out.
        let length = isize::try_from(end - start).expect("a source is shorter");
        // Of two with the same text the outer one is seen first.
        self.choices += 1;
        let before = (2, -length, self.choices);
        self.insert(start, before, format!("(match {ON} {{"), None);
        for (number, text) in alternatives {
            self.insert(start, before, format!(" {number} => ({text}),"), Some(number));
        }
        self.insert(start, before, " _ => (".to_owned(), None);
        self.insert(end, (1, length, -self.choices), ")})".to_owned(), None);
    }

    /// Another operator binds otherwise: it is put into the whole of what is joined by operators.
    fn operators(
        &mut self,
        binary: &syn::ExprBinary,
        whole: &Range<usize>,
        alternatives: &mut Vec<(usize, String)>,
    ) {
        let place = binary.op.span().byte_range();
        for (number, mutant) in self.take(binary.op.span()) {
            let before = &self.source[whole.start..place.start];
            let after = &self.source[place.end..whole.end];
            alternatives.push((number, format!("{before}{}{after}", mutant.replacement)));
        }
        for operand in [&binary.left, &binary.right] {
            if let Expr::Binary(binary) = &**operand {
                self.operators(binary, whole, alternatives);
            }
        }
    }

    fn operands(&mut self, binary: &syn::ExprBinary) {
        for operand in [&binary.left, &binary.right] {
            match &**operand {
                Expr::Binary(binary) => self.operands(binary),
                other => self.visit_expr(other),
            }
        }
    }

    fn body(&mut self, block: &Block) {
        let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) else { return };
        let range = first.span().byte_range().start..last.span().byte_range().end;
        // The type of `impl Iterator` is that of the body.
        let opaque = |it: &(usize, &Mutant)| it.1.replacement.contains("::std::iter::");
        let key = (range.start, range.end);
        if self.wanted.get(&key).is_some_and(|mutants| mutants.iter().any(opaque)) {
            return;
        }
        let mutants = self.take_range(range);
        let at = block.brace_token.span.open().byte_range().end;
        for (number, mutant) in mutants {
            let text = format!(" if {ON} == {number} {{ return {}; }} ", mutant.replacement);
            self.insert(at, (0, 0, 0), text, Some(number));
        }
    }
}

/// Whether the expression is a condition with `let` in it, which cannot stand in a `match`.
fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let before = self.constant;
        self.constant |= match item {
            Item::Const(_) | Item::Static(_) => true,
            Item::Fn(function) => function.sig.constness.is_some(),
            _ => false,
        };
        visit::visit_item(self, item);
        self.constant = before;
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.body(&function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        let before = self.constant;
        self.constant |= function.sig.constness.is_some();
        self.body(&function.block);
        visit::visit_impl_item_fn(self, function);
        self.constant = before;
    }

    fn visit_type_array(&mut self, _: &'ast syn::TypeArray) {}

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }

    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.body(block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let mut alternatives = Vec::new();
        if has_let(&binary.left) || has_let(&binary.right) {
            // Each side for itself.
            return visit::visit_expr_binary(self, binary);
        }
        self.operators(binary, &binary.span().byte_range(), &mut alternatives);
        self.choose(binary.span(), alternatives);
        self.operands(binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let mutants = self.take(unary.op.span());
        let operand = self.text(unary.expr.span());
        let alternatives = mutants
            .into_iter()
            .map(|(number, mutant)| (number, format!("{} {operand}", mutant.replacement)));
        self.choose(unary.span(), alternatives.collect());
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, it: &'ast syn::ExprMatch) {
        self.visit_expr(&it.expr);
        let takes_all = |arm: &Arm| arm.guard.is_none() && matches!(arm.pat, syn::Pat::Wild(_));
        let wildcard = it.arms.iter().any(takes_all);
        for arm in &it.arms {
            self.wildcard = wildcard;
            self.visit_arm(arm);
        }
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        // Where an arm goes, another one takes what it took: it has a wildcard beside it.
        let gone = if self.wildcard { self.take(arm.span()) } else { Vec::new() };
        match &arm.guard {
            Some((_, guard)) => {
                let range = guard.span().byte_range();
                let given = self.take(guard.span());
                let alternatives =
                    given.into_iter().map(|(number, mutant)| (number, mutant.replacement.clone()));
                self.choose(guard.span(), alternatives.collect());
                for (number, _) in gone {
                    let text = format!("({ON} != {number}) && (");
                    self.insert(range.start, (2, isize::MIN, 0), text, Some(number));
                    self.insert(range.end, (1, isize::MAX, 0), ")".to_owned(), None);
                }
            }
            None => {
                let end = arm.pat.span().byte_range().end;
                for (number, _) in gone {
                    self.insert(end, (0, 0, 0), format!(" if {ON} != {number}"), Some(number));
                }
            }
        }
        visit::visit_arm(self, arm);
    }
}
