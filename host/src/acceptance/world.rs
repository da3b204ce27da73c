//! A platform of its own in a temporary folder: invented payroll data, one user
//! who may do everything, and the connector that is judged.

use super::course::{Course, Eye};
use super::party::{Nowhere, Onlooker, Party};
use super::{Scenario, SuiteError};
use crate::admission::{self, Inspection, Refusal};
use crate::catalogue::{Activity, MODULES, ROWS};
use crate::config::Config;
use crate::durable::SystemClock;
use crate::egress::Resolve;
use crate::ledger::{Filter, Redactor};
use crate::platform::{DeclarationKind, Embedded, seed};
use crate::registry::Compiled;
use crate::runs::{Host, Job, RunRequest};
use crate::sandbox::Sandbox;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use toml::{Table, Value};
use uuid::Uuid;

/// The client that the connector is.
pub(crate) const CLIENT: &str = "connector";

/// The user on whose behalf it runs.
const USER: &str = "tester";

/// The folder of the compiled component.
const COMPILED: &str = "compiled";

/// How much payroll data there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Size {
    /// That of the demonstration.
    #[default]
    Usual,
    /// Runs without lines or results.
    Empty,
    /// Very many lines and results.
    Huge,
}

/// What all worlds are made of.
pub(crate) struct Maker {
    /// Kept while worlds are made.
    folder: TempDir,
    component: PathBuf,
    pub(super) inspection: Inspection,
    pub(super) scenario: Scenario,
}

impl Maker {
    /// Compiles the component, and prepares the payroll data. The inner error is
    /// why it cannot be loaded.
    pub(crate) async fn new(
        component: &Path,
        scenario: Scenario,
    ) -> Result<Result<Self, Refusal>, SuiteError> {
        let bytes = std::fs::read(component)
            .map_err(|error| SuiteError::Component(format!("{}: {error}", component.display())))?;
        let folder = tempfile::tempdir()?;
        let sandbox = Sandbox::new().map_err(SuiteError::own)?;
        let engine = sandbox.engine();
        let inspected = admission::inspect_within(engine, &bytes, scenario.compile_effort());
        let inspection = match inspected {
            Ok((compiled, inspection)) => {
                // Where each world looks, and does not compile it once more.
                let kept = Compiled::open(&folder.path().join(COMPILED), engine)
                    .map_err(SuiteError::Own)?;
                kept.store(&Sha256::digest(&bytes).into(), &compiled);
                inspection
            }
            Err(refusal) => return Ok(Err(refusal)),
        };
        // Each world has one of its own.
        drop(sandbox);
        let maker = Self {
            component: std::path::absolute(component)?,
            folder,
            inspection,
            scenario,
        };
        let seeded = Embedded::open(&maker.data(Size::Usual)).map_err(SuiteError::own)?;
        seeded.seed().await.map_err(SuiteError::words)?;
        Ok(Ok(maker))
    }

    /// Makes payroll data of another size, if it is not there.
    pub(super) async fn prepare(&self, size: Size) -> Result<(), SuiteError> {
        let data = self.data(size);
        if data.exists() {
            return Ok(());
        }
        std::fs::copy(self.data(Size::Usual), &data)?;
        let sized = Embedded::open(&data).map_err(SuiteError::own)?;
        let resized = match size {
            Size::Usual => Ok(()),
            Size::Empty => sized.clear_results().await,
            Size::Huge => sized.enlarge().await,
        };
        resized.map_err(SuiteError::words)
    }

    fn data(&self, size: Size) -> PathBuf {
        self.folder.path().join(format!("{size:?}.db"))
    }

    /// All that the connector is granted: what it imports, and what the rules of
    /// the scenario name.
    pub(super) fn granted(&self) -> Vec<String> {
        let mut names: BTreeSet<String> = self.scenario.activities.iter().cloned().collect();
        let imported = self.inspection.activities.iter();
        names.extend(imported.map(ToString::to_string));
        names.extend(self.scenario.rule_activities());
        if self.inspection.exports {
            names.insert(self.scenario.export_activity().to_owned());
        }
        if self.inspection.kinds.contains(&admission::Kind::Journal) {
            // The host itself needs it, to take a journal run.
            names.insert("PatchJournalRunByJournalRunId".to_owned());
        }
        if self
            .inspection
            .kinds
            .contains(&admission::Kind::Declaration)
        {
            // Making the message is carrying out what was asked for.
            names.insert(
                match self.declaration() {
                    DeclarationKind::PayrollTaxReturn => {
                        "PostInitiatePayrollTaxReturnByPayrollAdministrationId"
                    }
                    DeclarationKind::UpaPensionDeclaration => {
                        "PostInitiateUpaPensionDeclarationByPayrollAdministrationId"
                    }
                }
                .to_owned(),
            );
        }
        names.into_iter().collect()
    }

    /// The configuration; the user lacks one activity, if one is named.
    fn configuration(&self, scenario: &Scenario, without: Option<Activity>) -> String {
        let strings =
            |items: &[String]| Value::Array(items.iter().cloned().map(Value::from).collect());
        let granted = self.granted();
        let all: Vec<String> = ROWS.iter().map(|row| row.id.to_owned()).collect();
        let held: Vec<String> = all
            .iter()
            .filter(|id| without.is_none_or(|without| without.id() != id.as_str()))
            .cloned()
            .collect();
        let mut client = Table::new();
        for (key, value) in &scenario.grant {
            if key != "exports" {
                client.insert(key.clone(), value.clone());
            }
        }
        client.insert(
            "component".to_owned(),
            self.component.display().to_string().into(),
        );
        client.insert("activities".to_owned(), strings(&granted));
        if self.inspection.exports {
            let exports = table([
                ("directory", "exports".into()),
                ("quota-bytes", 100_000_000.into()),
                ("activity", self.scenario.export_activity().into()),
            ]);
            client.insert("exports".to_owned(), exports);
        }
        let modules: Vec<String> = MODULES.iter().map(|&name| name.to_owned()).collect();
        let provider = seed::provider_id(1).to_string();
        let user = table([
            ("id", USER.into()),
            ("kind", "provider".into()),
            ("provider", provider.as_str().into()),
            ("role", "all".into()),
            ("rights", strings(&["held".to_owned()])),
            ("employers", "all".into()),
        ]);
        let compiled = self.folder.path().join(COMPILED).display().to_string();
        let file = table([
            ("platform", table([("compiled", compiled.into())])),
            ("clients", table([(CLIENT, Value::Table(client))])),
            ("credentials", self.credentials()),
            (
                "modules",
                table([("provider", table([(provider.as_str(), strings(&modules))]))]),
            ),
            (
                "rights",
                table([("all", strings(&all)), ("held", strings(&held))]),
            ),
            ("roles", table([("all", strings(&["all".to_owned()]))])),
            ("users", Value::Array(vec![user])),
        ]);
        // Strings, numbers and lists always have a TOML form.
        toml::to_string(&file).unwrap_or_default()
    }

    /// The credentials that the rules name, with values that are made up.
    fn credentials(&self) -> Value {
        let rules = self.scenario.grant.get("http").and_then(Value::as_array);
        let named = rules.into_iter().flatten();
        let named = named.filter_map(|rule| rule.get("credential")?.as_str());
        let mut all = Table::new();
        for name in named {
            let mut credential =
                self.scenario
                    .credentials
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| {
                        let mut usual = Table::new();
                        usual.insert("header".to_owned(), "authorization".into());
                        usual.insert("scheme".to_owned(), "Bearer".into());
                        usual
                    });
            credential.insert("value".to_owned(), table([("file", "secret".into())]));
            all.insert(name.to_owned(), Value::Table(credential));
        }
        Value::Table(all)
    }

    /// Checks that the connector can be granted what the scenario says.
    pub(crate) fn check(&self) -> Result<(), SuiteError> {
        let text = self.configuration(&self.scenario, None);
        let path = self.folder.path().join("platform.toml");
        Config::parse(&path, &text).map(|_| ()).map_err(|error| {
            let faults: Vec<_> = error.faults.into_iter().map(|fault| fault.text).collect();
            SuiteError::Scenario(faults.join("\n"))
        })
    }

    /// A new world.
    pub(super) fn world(&self, size: Size) -> Result<World, SuiteError> {
        self.world_of(&self.scenario, size)
    }

    /// A new world at which somebody looks on, with real names or made-up ones.
    pub(crate) fn world_seen(
        &self,
        onlooker: Arc<dyn Onlooker>,
        resolver: Arc<dyn Resolve>,
    ) -> Result<World, SuiteError> {
        self.make(&self.scenario, Size::Usual, Some(onlooker), resolver)
    }

    /// A new world with another scenario.
    pub(super) fn world_of(&self, scenario: &Scenario, size: Size) -> Result<World, SuiteError> {
        self.make(scenario, size, None, Arc::new(Nowhere))
    }

    fn make(
        &self,
        scenario: &Scenario,
        size: Size,
        onlooker: Option<Arc<dyn Onlooker>>,
        resolver: Arc<dyn Resolve>,
    ) -> Result<World, SuiteError> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("platform.toml");
        std::fs::create_dir(folder.path().join("data"))?;
        std::fs::copy(self.data(size), folder.path().join("data/koppel.db"))?;
        std::fs::write(folder.path().join("secret"), "made-up-for-koppel-check\n")?;
        std::fs::write(&path, self.configuration(scenario, None))?;
        let config = Config::load(&path).map_err(SuiteError::own)?;
        let party = Arc::new(Party::new(scenario, onlooker.clone()));
        let eye = Arc::new(Eye::new(onlooker));
        let host = Host::start_with(
            config,
            resolver.clone(),
            Redactor::default(),
            Arc::new(SystemClock),
        );
        let host = host.map_err(SuiteError::own)?.with_witness(eye.clone());
        let host = host
            .with_stand_in(resolver, party.clone())
            .map_err(SuiteError::own)?;
        Ok(World {
            host,
            party,
            eye,
            folder,
        })
    }

    /// Takes an activity from the user of a world, or gives it back.
    pub(super) fn deny(&self, world: &World, without: Option<Activity>) -> Result<(), SuiteError> {
        let path = world.folder.path().join("platform.toml");
        std::fs::write(path, self.configuration(&self.scenario, without))?;
        match world.host.live().reload() {
            crate::config::Reload::Replaced => Ok(()),
            crate::config::Reload::Kept(error) => Err(SuiteError::own(error)),
        }
    }
}

/// A table of TOML.
fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    Value::Table(entries.collect())
}

/// One platform.
pub(crate) struct World {
    pub(super) host: Host,
    pub(super) party: Arc<Party>,
    eye: Arc<Eye>,
    folder: TempDir,
}

impl World {
    /// Asks the connector to do something, for employer 1.
    pub(crate) async fn run(&self, job: Job) -> Result<Course, SuiteError> {
        let request = RunRequest {
            client: CLIENT.to_owned(),
            user: USER.to_owned(),
            employer: seed::employer_id(1),
            job,
        };
        let before = self.party.count();
        self.eye.open();
        let report = self.host.run(request.clone()).await;
        let filter = Filter {
            run: Some(report.run),
            ..Filter::default()
        };
        let rows = self.host.ledger().rows(filter).await;
        Ok(Course {
            seen: self.eye.close(),
            arrived: self.party.since(before),
            rows: rows.map_err(SuiteError::own)?,
            request,
            report,
        })
    }

    /// Asks for a declaration: of the first month that has all that declarations
    /// report, or one that corrects another.
    pub(super) async fn requested(
        &self,
        kind: DeclarationKind,
        corrects: Option<Uuid>,
    ) -> Result<Uuid, SuiteError> {
        use crate::bindings::koppel::loket::types::{DeclarationRequest, PeriodOfYear};
        let request = match corrects {
            Some(of) => DeclarationRequest::CorrectionOf(of.to_string()),
            None => DeclarationRequest::Period(PeriodOfYear {
                year: seed::WAGE_TAX_YEAR as u32,
                period_number: 1,
            }),
        };
        let (platform, of) = (self.host.platform(), seed::payroll_administration_id(1));
        let id = match kind {
            DeclarationKind::PayrollTaxReturn => {
                let asked = platform
                    .initiate_payroll_tax_return(of, &request, USER)
                    .await;
                asked.map_err(SuiteError::words)?.id
            }
            DeclarationKind::UpaPensionDeclaration => {
                let asked = platform
                    .initiate_upa_pension_declaration(of, &request, USER)
                    .await;
                asked.map_err(SuiteError::words)?.id
            }
        };
        id.parse().map_err(SuiteError::own)
    }

    /// Confirms a declaration, as a person does.
    pub(super) async fn confirm(&self, declaration: Uuid) -> Result<(), SuiteError> {
        let confirmed = self.host.platform().confirm_declaration(declaration, USER);
        confirmed.await.map(|_| ()).map_err(SuiteError::words)
    }
}
