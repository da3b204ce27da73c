//! How much work a component is for the compiler, estimated before it is
//! compiled.
//!
//! The compiler cannot be interrupted, and takes much more than time in
//! proportion to the size for code that no toolchain writes: a function of
//! 4 KB with 200 nested loops over 200 locals takes two seconds, one of 12 KB
//! with blocks of a thousand parameters takes more than 3 GB of memory. What
//! follows is counted in one pass over the bytes. The weights are fitted to
//! measurements of hostile code of a dozen shapes, of which 10,000,000 units
//! took about one to three seconds of one core, and of what Rust makes, which
//! took less than one. They are an estimate, and bound no shape but those.

use crate::sandbox::FEATURES;
use wasmparser::{
    BlockType, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, CompositeInnerType, FunctionBody, Operator, Parser, Payload, TypeRef,
};

/// The most code of one function, in bytes: the memory of the compiler grows
/// with it, by about 450 bytes for each.
pub(super) const FUNCTION_BYTES: usize = 512 << 10;

/// Per operator.
const OPERATOR: u64 = 40;
/// Per function.
const FUNCTION: u64 = 250;
/// Per type: functions of a type of their own need entries of their own.
const TYPE: u64 = 2_000;
/// Per module and component.
const PART: u64 = 1_000;
/// How deep components are nested at most; the validator takes time with the
/// square of it.
const DEPTH: usize = 100;
/// Per step of making an instance, nested ones unfolded.
const STEP: u64 = 100;
/// So many operators that are alive across one branch are one unit.
const ALIVE: u64 = 50;

/// What a component takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// The work, in units of about 0.1 to 0.3 µs of one core.
    pub units: u64,
    /// The code of the largest function, in bytes.
    pub largest_function: usize,
}

impl Effort {
    fn add(&mut self, units: u64) {
        self.units = self.units.saturating_add(units);
    }
}

/// A core module, as far as it was read.
#[derive(Default)]
struct Module {
    /// How many parameters and results the types have; none if it is no type
    /// of a function.
    types: Vec<Option<(u64, u64)>>,
    /// The types of the functions, imported ones first.
    functions: Vec<u32>,
    imported: usize,
    coded: usize,
}

/// A component, as far as it was read.
#[derive(Default)]
struct Scope {
    /// The steps of making one instance.
    steps: u64,
    /// The same of the components in it, by index.
    components: Vec<u64>,
}

enum Frame {
    Module(Module),
    Component(Scope),
}

/// Estimates a component. What is not valid is estimated up to there: the
/// validator refuses the rest before anything is compiled.
pub fn measure(bytes: &[u8]) -> Effort {
    let mut effort = Effort::default();
    effort.add(bytes.len() as u64);
    // What breaks off is not compiled.
    let _ = read(bytes, &mut effort);
    effort
}

fn read(bytes: &[u8], effort: &mut Effort) -> wasmparser::Result<()> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut parser = Parser::new(0);
    // As the engine reads it.
    parser.set_features(FEATURES);
    for payload in parser.parse_all(bytes) {
        match payload? {
            Payload::Version { encoding, .. } => {
                effort.add(if frames.len() < DEPTH { PART } else { u64::MAX });
                frames.push(match encoding {
                    wasmparser::Encoding::Module => Frame::Module(Module::default()),
                    wasmparser::Encoding::Component => Frame::Component(Scope::default()),
                });
            }
            Payload::End(_) => {
                if let Some(Frame::Component(done)) = frames.pop() {
                    match frames.last_mut() {
                        Some(Frame::Component(outer)) => outer.components.push(done.steps),
                        _ => effort.add(done.steps.saturating_mul(STEP)),
                    }
                }
            }
            payload => match frames.last_mut() {
                Some(Frame::Module(module)) => module.read(payload, effort)?,
                Some(Frame::Component(_)) => steps(&mut frames, payload)?,
                None => {}
            },
        }
    }
    Ok(())
}

impl Module {
    fn read(&mut self, payload: Payload<'_>, effort: &mut Effort) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(types) => {
                for group in types {
                    for ty in group?.into_types() {
                        effort.add(TYPE);
                        self.types.push(match &ty.composite_type.inner {
                            CompositeInnerType::Func(function) => Some((
                                function.params().len() as u64,
                                function.results().len() as u64,
                            )),
                            _ => None,
                        });
                    }
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if let TypeRef::Func(ty) | TypeRef::FuncExact(ty) = import?.ty {
                        effort.add(FUNCTION);
                        self.functions.push(ty);
                        self.imported += 1;
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                for ty in functions {
                    effort.add(FUNCTION);
                    self.functions.push(ty?);
                }
            }
            Payload::CodeSectionEntry(body) => {
                effort.largest_function = effort.largest_function.max(body.as_bytes().len());
                let index = self.imported + self.coded;
                self.coded += 1;
                effort.add(self.function(index, &body)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// The parameters and results of a type.
    fn arity(&self, ty: u32) -> (u64, u64) {
        let ty = self.types.get(ty as usize).copied().flatten();
        ty.unwrap_or_default()
    }

    fn function(&self, index: usize, body: &FunctionBody<'_>) -> wasmparser::Result<u64> {
        let ty = self.functions.get(index).copied().unwrap_or(u32::MAX);
        let mut locals = self.arity(ty).0;
        for local in body.get_locals_reader()? {
            locals += u64::from(local?.0);
        }
        // Branches and where they meet; how deep they are nested; the values
        // that are passed along by them and by calls.
        let (mut branches, mut deepest) = (0_u64, 0_u64);
        // Whether each open block is a loop.
        let (mut open, mut loops, mut nested) = (Vec::new(), 0_u64, 0_u64);
        let (mut operators, mut passed, mut widest) = (0_u64, 0_u64, 0_u64);
        for operator in body.get_operators_reader()? {
            operators += 1;
            let operator = operator?;
            let arity = match operator {
                Operator::Block { blockty }
                | Operator::Loop { blockty }
                | Operator::If { blockty } => {
                    let is_loop = matches!(operator, Operator::Loop { .. });
                    branches += 1;
                    open.push(is_loop);
                    deepest = deepest.max(open.len() as u64);
                    if is_loop {
                        // The compiler takes time with the cube of the depth.
                        loops += 1;
                        nested = nested.saturating_add(loops * 30 + loops * loops / 40);
                    }
                    match blockty {
                        BlockType::Empty => 0,
                        BlockType::Type(_) => 1,
                        BlockType::FuncType(ty) => {
                            let (parameters, results) = self.arity(ty);
                            parameters + results
                        }
                    }
                }
                Operator::End => {
                    if open.pop() == Some(true) {
                        loops -= 1;
                    }
                    0
                }
                Operator::Else | Operator::Br { .. } | Operator::BrIf { .. } => {
                    branches += 1;
                    0
                }
                Operator::BrTable { targets } => {
                    branches += u64::from(targets.len()) + 1;
                    0
                }
                Operator::Call { function_index } => {
                    let ty = self.functions.get(function_index as usize);
                    let (parameters, results) = self.arity(ty.copied().unwrap_or(u32::MAX));
                    parameters + results
                }
                Operator::CallIndirect { type_index, .. } => {
                    let (parameters, results) = self.arity(type_index);
                    parameters + results
                }
                _ => 0,
            };
            passed = passed.saturating_add(arity);
            widest = widest.max(arity);
        }
        let values = locals + widest;
        let merged = branches
            .saturating_mul(values)
            .saturating_mul(values + deepest);
        let alive = operators.saturating_mul(branches) / ALIVE;
        Ok((operators * OPERATOR)
            .saturating_add(locals)
            .saturating_add(merged)
            .saturating_add(alive)
            .saturating_add(nested)
            .saturating_add(passed.saturating_mul(widest)))
    }
}

/// Counts the steps of a section of the innermost component.
fn steps(frames: &mut [Frame], payload: Payload<'_>) -> wasmparser::Result<()> {
    match payload {
        Payload::InstanceSection(all) => took(frames, u64::from(all.count())),
        Payload::ComponentCanonicalSection(all) => took(frames, u64::from(all.count())),
        Payload::ComponentTypeSection(all) => took(frames, u64::from(all.count())),
        Payload::CoreTypeSection(all) => took(frames, u64::from(all.count())),
        Payload::ComponentInstanceSection(all) => {
            for instance in all {
                let made = match instance? {
                    ComponentInstance::Instantiate {
                        component_index,
                        args,
                    } => (args.len() as u64).saturating_add(of(frames, 0, component_index)),
                    ComponentInstance::FromExports(exports) => exports.len() as u64,
                };
                took(frames, made.saturating_add(1));
            }
        }
        Payload::ComponentAliasSection(all) => {
            for alias in all {
                took(frames, 1);
                match alias? {
                    ComponentAlias::Outer {
                        kind: ComponentOuterAliasKind::Component,
                        count,
                        index,
                    } => {
                        let steps = of(frames, count as usize, index);
                        known(frames, steps);
                    }
                    // A component that is handed around could be any. No
                    // toolchain makes that.
                    ComponentAlias::InstanceExport {
                        kind: ComponentExternalKind::Component,
                        ..
                    } => known(frames, u64::MAX),
                    _ => {}
                }
            }
        }
        Payload::ComponentImportSection(all) => {
            for import in all {
                took(frames, 1);
                if let ComponentTypeRef::Component(_) = import?.ty {
                    known(frames, u64::MAX);
                }
            }
        }
        Payload::ComponentExportSection(all) => {
            for export in all {
                took(frames, 1);
                let export = export?;
                // What is exported gets an index of its own.
                if export.kind == ComponentExternalKind::Component {
                    let steps = of(frames, 0, export.index);
                    known(frames, steps);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Adds steps to the innermost component.
fn took(frames: &mut [Frame], steps: u64) {
    if let Some(Frame::Component(scope)) = frames.last_mut() {
        scope.steps = scope.steps.saturating_add(steps);
    }
}

/// Adds a component, which takes these steps, to those in the innermost one.
fn known(frames: &mut [Frame], steps: u64) {
    if let Some(Frame::Component(scope)) = frames.last_mut() {
        scope.components.push(steps);
    }
}

/// The steps of a component that the one `count` levels out has at an index.
fn of(frames: &[Frame], count: usize, index: u32) -> u64 {
    match frames.iter().rev().nth(count) {
        Some(Frame::Component(scope)) => {
            let steps = scope.components.get(index as usize);
            // One that is not there is not valid.
            steps.copied().unwrap_or(u64::MAX)
        }
        _ => u64::MAX,
    }
}
