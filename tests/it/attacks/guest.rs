//! Guests in WebAssembly text: what no compiler would make.
//!
//! A guest is a core module in the canonical ABI of the component model, which
//! wit-component wraps as it does for every toolchain. Its memory: 32 the
//! answer `"done"`, 64 the name `hostile`, 1024 the result area, 2048 what it
//! likes, from 65536 what its `cabi_realloc` gives out.

use crate::harness::repository;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A core module of kind lookup that is still being put together.
pub(crate) struct Guest {
    lookup: String,
    describe: String,
    realloc: String,
    imports: String,
    more: String,
    pages: u32,
    world: String,
    packages: String,
    encoding: StringEncoding,
}

/// `cabi_realloc` as it should be: aligned, and with as much memory as it
/// takes.
const REALLOC: &str = "
    (local $at i32)
    (local.set $at (i32.and
        (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (loop $more
        (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
            (then
                (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
                (br $more))))
    (local.get $at)";

const DESCRIBE: &str = "
    (i32.store (i32.const 1300) (i32.const 64)) (i32.store (i32.const 1304) (i32.const 7))
    (i32.store (i32.const 1308) (i32.const 64)) (i32.store (i32.const 1312) (i32.const 7))
    (i32.store (i32.const 1316) (i32.const 64)) (i32.store (i32.const 1320) (i32.const 7))
    (i32.store (i32.const 1324) (i32.const 64)) (i32.store (i32.const 1328) (i32.const 7))
    (i32.const 1300)";

/// Functions that bodies use: `$done` and `$number` make the result of a
/// look-up, `$text` makes it of bytes in memory.
const FUNCTIONS: &str = "
    (func $text (param $at i32) (param $length i32) (result i32)
        (i32.store8 (i32.const 1024) (i32.const 0))
        (i32.store (i32.const 1028) (local.get $at))
        (i32.store (i32.const 1032) (local.get $length))
        (i32.const 1024))
    (func $done (result i32) (call $text (i32.const 32) (i32.const 6)))
    (func $number (param $n i64) (result i32) (local $at i32)
        (local.set $at (i32.const 1200))
        (loop $digit
            (local.set $at (i32.sub (local.get $at) (i32.const 1)))
            (i32.store8 (local.get $at) (i32.wrap_i64
                (i64.add (i64.const 48) (i64.rem_u (local.get $n) (i64.const 10)))))
            (local.set $n (i64.div_u (local.get $n) (i64.const 10)))
            (br_if $digit (i64.ne (local.get $n) (i64.const 0))))
        (call $text (local.get $at) (i32.sub (i32.const 1200) (local.get $at))))";

impl Guest {
    /// One whose `lookup` has this body. It leaves where the result is; the
    /// locals `$a`, `$b` (i32), `$x` and `$y` (i64) are free to use.
    pub(crate) fn new(lookup: &str) -> Self {
        Self {
            lookup: lookup.to_owned(),
            describe: DESCRIBE.to_owned(),
            realloc: REALLOC.to_owned(),
            imports: String::new(),
            more: String::new(),
            pages: 2,
            world: String::new(),
            packages: String::new(),
            encoding: StringEncoding::UTF8,
        }
    }

    /// Imports a core function: module and name, then name and type in text.
    pub(crate) fn import(mut self, module: &str, name: &str, function: &str) -> Self {
        self.imports
            .push_str(&format!("(import {module:?} {name:?} (func {function}))\n"));
        self
    }

    /// Further fields of the module.
    pub(crate) fn more(mut self, fields: &str) -> Self {
        self.more.push_str(fields);
        self
    }

    /// Another body of `cabi_realloc`: `$old`, `$old_size`, `$align`, `$size`.
    pub(crate) fn realloc(mut self, body: &str) -> Self {
        self.realloc = body.to_owned();
        self
    }

    /// Another body of `describe`.
    pub(crate) fn describe(mut self, body: &str) -> Self {
        self.describe = body.to_owned();
        self
    }

    /// So many pages of memory at the start.
    pub(crate) fn pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    /// Further items of the world, and the packages that they are in.
    pub(crate) fn world(mut self, items: &str, packages: &str) -> Self {
        self.world.push_str(items);
        self.packages.push_str(packages);
        self
    }

    /// Strings in UTF-16.
    pub(crate) fn utf16(mut self) -> Self {
        self.encoding = StringEncoding::UTF16;
        self
    }

    /// The component.
    pub(crate) fn build(self) -> Vec<u8> {
        let module = format!(
            r#"(module
{imports}
(memory (export "memory") {pages})
(global $free (mut i32) (i32.const 65536))
(data (i32.const 32) "\22done\22")
(data (i32.const 64) "hostile")
{FUNCTIONS}
(func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
{realloc})
(func (export "koppel:connector/connector@0.1.0#describe") (result i32)
{describe})
(func (export "koppel:connector/connector@0.1.0#check") (param i32 i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "koppel:connector/lookup@0.1.0#lookup")
    (param $run i32) (param $run_length i32) (param $employer i32) (param $employer_length i32)
    (param $settings i32) (param $settings_length i32) (param $query i32) (param $query_length i32)
    (result i32) (local $a i32) (local $b i32) (local $x i64) (local $y i64)
{lookup})
{more})"#,
            imports = self.imports,
            pages = self.pages,
            realloc = self.realloc,
            describe = self.describe,
            lookup = self.lookup,
            more = self.more,
        );
        let mut bytes = wat::parse_str(&module).unwrap_or_else(|error| panic!("{error}"));
        let mut resolve = Resolve::default();
        resolve.push_dir(repository().join("wit")).unwrap();
        let world = format!(
            "package attack:guest;\n{}\nworld guest {{\ninclude koppel:connector/lookup-connector@0.1.0;\n{}\n}}",
            self.packages, self.world
        );
        let package = resolve
            .push_str("guest.wit", &world)
            .unwrap_or_else(|error| panic!("{error:#}"));
        let world = resolve.packages[package].worlds["guest"];
        embed_component_metadata(&mut bytes, &resolve, world, self.encoding).unwrap();
        let encoder = ComponentEncoder::default().validate(false).module(&bytes);
        encoder.unwrap().encode().unwrap()
    }
}

/// The export interface of the contract.
pub(crate) const EXPORTS: &str = "koppel:connector/exports@0.1.0";

/// The log of the contract.
pub(crate) const LOG: &str = "koppel:connector/log@0.1.0";

impl Guest {
    /// Imports all of the export files: `$create`, `$write`, `$finish`, `$drop`.
    pub(crate) fn exports(self) -> Self {
        self.import(EXPORTS, "create", "$create (param i32 i32 i32)")
            .import(
                EXPORTS,
                "[method]export-file.write",
                "$write (param i32 i32 i32 i32)",
            )
            .import(
                EXPORTS,
                "[method]export-file.finish",
                "$finish (param i32 i32)",
            )
            .import(EXPORTS, "[resource-drop]export-file", "$drop (param i32)")
    }

    /// Imports the log: `$log`, with level, address and length.
    pub(crate) fn log(self) -> Self {
        self.import(LOG, "write", "$log (param i32 i32 i32)")
    }
}
