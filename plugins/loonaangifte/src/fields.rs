//! The amounts of a wage-tax return, and which payroll components make them.
//!
//! Source: `Loonaangifte2022v2.0.xsd`, Belastingdienst:
//! `WerknemersgegevensType` and `CollectieveAangifteType`.

use koppel_sdk::{Cents, ConnectorError};
use std::collections::BTreeMap;

/// One amount of an income relationship (inkomstenverhouding).
pub(crate) struct Field {
    /// The element in `Werknemersgegevens`.
    pub(crate) name: &'static str,
    /// The element in `CollectieveAangifte` that holds its total, if one does.
    pub(crate) total: Option<&'static str>,
    /// Whether that total is part of what is to be paid (`TotTeBet`).
    pub(crate) paid: bool,
    /// The keys of the payroll components that make it, unless the settings
    /// say otherwise: those of koppel's demonstration data.
    default: &'static [u32],
}

const fn field(name: &'static str, default: &'static [u32]) -> Field {
    Field {
        name,
        total: None,
        paid: false,
        default,
    }
}

const fn base(name: &'static str, total: &'static str, default: &'static [u32]) -> Field {
    Field {
        name,
        total: Some(total),
        paid: false,
        default,
    }
}

const fn paid(name: &'static str, total: &'static str, default: &'static [u32]) -> Field {
    Field {
        name,
        total: Some(total),
        paid: true,
        default,
    }
}

/// The hours are the only one that is no amount of money.
pub(crate) const HOURS: &str = "AantVerlU";

/// The amounts that the schema requires, in its order.
pub(crate) const FIELDS: [Field; 36] = [
    base("LnLbPh", "TotLnLbPh", &[101]),
    base("LnSV", "TotLnSV", &[102]),
    base("PrlnAofAnwLg", "TotPrlnAofAnwLg", &[103]),
    base("PrlnAofAnwHg", "TotPrlnAofAnwHg", &[]),
    base("PrlnAofAnwUit", "TotPrlnAofAnwUit", &[]),
    base("PrlnAwfAnwLg", "TotPrlnAwfAnwLg", &[104]),
    base("PrlnAwfAnwHg", "TotPrlnAwfAnwHg", &[]),
    base("PrlnAwfAnwHz", "TotPrlnAwfAnwHz", &[]),
    base("PrLnUfo", "PrLnUFO", &[]),
    field("LnTabBB", &[]),
    field("VakBsl", &[]),
    field("OpgRchtVakBsl", &[112]),
    field("OpnAvwb", &[]),
    field("OpbAvwb", &[]),
    field("LnInGld", &[105]),
    field("WrdLn", &[]),
    field("LnOwrk", &[]),
    field("VerstrAanv", &[]),
    paid("IngLbPh", "IngLbPh", &[50]),
    paid("PrAofLg", "TotPrAofLg", &[106]),
    paid("PrAofHg", "TotPrAofHg", &[]),
    paid("PrAofUit", "TotPrAofUit", &[]),
    paid("OpslWko", "TotOpslWko", &[107]),
    paid("PrGediffWhk", "TotPrGediffWhk", &[108]),
    paid("PrAwfLg", "TotPrAwfLg", &[109]),
    paid("PrAwfHg", "TotPrAwfHg", &[]),
    paid("PrAwfHz", "TotPrAwfHz", &[]),
    paid("PrUFO", "PrUFO", &[]),
    paid("BijdrZvw", "IngBijdrZvw", &[]),
    paid("WghZvw", "TotWghZvw", &[110]),
    field("WrdPrGebrAut", &[]),
    field("WrknBijdrAut", &[]),
    field("Reisk", &[]),
    field("VerrArbKrt", &[111]),
    field(HOURS, &[113]),
    field("BedrRntKstvPersl", &[]),
];

/// Which field each payroll component counts in.
pub(crate) struct Mapping(BTreeMap<u32, Vec<usize>>);

impl Mapping {
    /// The defaults, with those fields replaced that the settings name.
    ///
    /// # Errors
    ///
    /// `invalid-settings` when a name is none of the fields.
    pub(crate) fn new(settings: &BTreeMap<String, Vec<u32>>) -> Result<Self, ConnectorError> {
        for name in settings.keys() {
            if !FIELDS.iter().any(|field| field.name == name) {
                let names: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
                return Err(ConnectorError::InvalidSettings(format!(
                    "components: there is no field {name}; the fields are {}",
                    names.join(", ")
                )));
            }
        }
        let mut mapping = BTreeMap::<u32, Vec<usize>>::new();
        for (index, field) in FIELDS.iter().enumerate() {
            let components = settings
                .get(field.name)
                .map_or(field.default, Vec::as_slice);
            for component in components {
                mapping.entry(*component).or_default().push(index);
            }
        }
        Ok(Self(mapping))
    }
}

/// The amounts of one income relationship, in the order of [`FIELDS`].
#[derive(Clone)]
pub(crate) struct Amounts([Cents; FIELDS.len()]);

impl Default for Amounts {
    fn default() -> Self {
        Self([Cents::ZERO; FIELDS.len()])
    }
}

impl Amounts {
    /// Adds the value of a payroll component to the fields that it counts in.
    pub(crate) fn add(&mut self, mapping: &Mapping, component: u32, value: Cents) {
        for index in mapping.0.get(&component).into_iter().flatten() {
            self.0[*index] += value;
        }
    }

    /// Adds all of another one.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }

    /// The fields with their amounts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Field, Cents)> {
        FIELDS.iter().zip(self.0)
    }
}

/// Whole euros. The collective part is in whole euros, which may be rounded in
/// the favour of the withholding party: down, also below zero.
pub(crate) fn euros(amount: Cents) -> i64 {
    amount.0.div_euclid(100)
}

/// Whole hours, from hundredths of an hour, rounded half up.
pub(crate) fn hours(hundredths: Cents) -> i64 {
    (hundredths.0 + 50).div_euclid(100)
}

/// The most that an amount with two decimals can be: ten digits in all
/// (`Bedrag10.2`).
pub(crate) const MAX: i64 = 9_999_999_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_euros_are_in_favour_of_who_pays() {
        let rounded = [1_99, 2_00, 0, -1, -1_99].map(|cents| euros(Cents(cents)));
        assert_eq!(rounded, [1, 2, 0, -1, -2]);
        assert_eq!([49, 50, 16_049].map(|h| hours(Cents(h))), [0, 1, 160]);
    }

    #[test]
    fn a_field_that_does_not_exist_is_named() {
        let settings = BTreeMap::from([("LnLbph".to_owned(), vec![1])]);
        let Err(ConnectorError::InvalidSettings(why)) = Mapping::new(&settings) else {
            panic!("it was taken");
        };
        assert!(
            why.starts_with("components: there is no field LnLbph; the fields are LnLbPh, "),
            "{why}"
        );
    }
}
