// Looks up Dutch addresses in the register of addresses and buildings (BAG,
// basisregistratie adressen en gebouwen), through the free search service of
// the government (PDOK Locatieserver 3.1), which wants no key.
//
// Only a postal code and a house number leave. The address of an employee is
// read from the payroll platform, and compared with what the register says.

import { getEmployeesByEmployerId } from "koppel:loket/employees@0.1.0";
import { get } from "./requests.js";

const BASE_URL = "https://api.pdok.nl";

/** How many addresses of one postal code and house number are asked for. */
const ROWS = 100;

/** How many employees are read at a time. */
const PAGE = 250;

const SETTINGS = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Settings",
  description: "The settings in the operator's configuration.",
  type: "object",
  properties: {
    "base-url": {
      description: "Where the search service is.",
      type: "string",
      format: "uri",
      default: BASE_URL,
    },
  },
  additionalProperties: false,
};

/** An address by postal code and house number, or that of an employee. */
const QUERIES = [
  { required: ["postalCode", "houseNumber"], optional: ["houseNumberAddition"] },
  { required: ["employeeId"], optional: [] },
];

export const connector = {
  describe() {
    return {
      name: "address-pdok",
      version: "0.1.0",
      summary: "Looks up Dutch addresses in the register of addresses and buildings (BAG), and checks those of employees",
      settingsSchema: JSON.stringify(SETTINGS),
    };
  },

  check(context) {
    // The provincial hall of Utrecht.
    const found = ask(settings(context), { postalCode: "3584BA", houseNumber: 2 });
    return `PDOK answers (${found.length} addresses at 3584BA 2)`;
  },
};

export const lookup = {
  lookup(context, text) {
    const base = settings(context);
    const query = read(text);
    if (query.employeeId === undefined) {
      const asked = parts(query, (field, fault) => invalidInput(`${field} ${fault}`));
      return JSON.stringify({ addresses: ask(base, asked) });
    }
    const held = addressOf(context.employerId, query.employeeId);
    const asked = parts(held, (field, fault) =>
      refused(`the ${field} that is held of employee ${query.employeeId} ${fault}`),
    );
    const addresses = ask(base, asked);
    return JSON.stringify({ addresses, registered: compare(held, addresses) });
  },
};

// What a run can end with, as the contract has it.
const invalidSettings = (val) => ({ tag: "invalid-settings", val });
const invalidInput = (val) => ({ tag: "invalid-input", val });
const refused = (val) => ({ tag: "refused", val });
const outsideParty = (val) => ({ tag: "outside-party", val });
const unavailable = (val) => ({ tag: "unavailable", val });
const other = (val) => ({ tag: "other", val });

/** Where the search service is. */
function settings(context) {
  const given = JSON.parse(context.settings);
  for (const key of Object.keys(given)) {
    if (!(key in SETTINGS.properties)) {
      throw invalidSettings(`${key} is unknown; expected base-url`);
    }
  }
  const base = given["base-url"] ?? BASE_URL;
  if (typeof base !== "string" || !/^https?:\/\/./.test(base)) {
    throw invalidSettings("base-url must be a URL");
  }
  return base.replace(/\/+$/, "");
}

/** The query, with the keys of one of the two forms and no others. */
function read(text) {
  let query;
  try {
    query = JSON.parse(text);
  } catch (error) {
    throw invalidInput(`the query is not JSON: ${error.message}`);
  }
  if (query === null || typeof query !== "object" || Array.isArray(query)) {
    throw invalidInput("the query must be an object");
  }
  const keys = Object.keys(query);
  const known = QUERIES.flatMap((form) => [...form.required, ...form.optional]);
  for (const key of keys) {
    if (!known.includes(key)) {
      throw invalidInput(`${key} is unknown; expected ${known.join(", ")}`);
    }
  }
  const fits = ({ required, optional }) =>
    required.every((key) => keys.includes(key)) &&
    keys.every((key) => required.includes(key) || optional.includes(key));
  if (!QUERIES.some(fits)) {
    throw invalidInput("give either postalCode and houseNumber, or employeeId");
  }
  return query;
}

/** Postal code, house number and addition, as the register writes them. `fault` makes the error. */
function parts(address, fault) {
  const postalCode = String(address.postalCode ?? "").replaceAll(" ", "").toUpperCase();
  if (!/^[1-9][0-9]{3}[A-Z]{2}$/.test(postalCode)) {
    throw fault("postalCode", "must be four digits and two letters");
  }
  const houseNumber = address.houseNumber;
  if (!Number.isInteger(houseNumber) || houseNumber < 1 || houseNumber > 99999) {
    throw fault("houseNumber", "must be a whole number from 1 to 99999");
  }
  const addition = String(address.houseNumberAddition ?? "").trim();
  if (addition.length > 10) {
    throw fault("houseNumberAddition", "must have at most 10 characters");
  }
  return { postalCode, houseNumber, addition };
}

/** The address that the platform holds of an employee. */
function addressOf(employerId, employeeId) {
  let cursor;
  do {
    const page = employees(employerId, { cursor, size: PAGE });
    const found = page.items.find((employee) => employee.id === employeeId);
    if (found !== undefined) {
      if (found.address === undefined || (found.address.country ?? "NL") !== "NL") {
        throw refused(`no Dutch address is held of employee ${employeeId}`);
      }
      return found.address;
    }
    cursor = page.next;
  } while (cursor !== undefined);
  throw invalidInput(`employer ${employerId} has no employee ${employeeId}`);
}

/** The activity, with its errors as those of a connector. */
function employees(employerId, page) {
  try {
    return getEmployeesByEmployerId(employerId, page);
  } catch (error) {
    const { tag, val } = error.payload ?? {};
    switch (tag) {
      case "denied":
      case "unavailable":
      case "other":
        throw { tag, val };
      case "not-found":
        throw other(`not found: ${val}`);
      case "conflict":
        throw refused(val);
      case "invalid":
        throw refused(val.map((problem) => problem.description).join("; "));
      default:
        throw error;
    }
  }
}

/** The addresses with this postal code and house number; with an addition, those that have it. */
function ask(base, { postalCode, houseNumber, addition }) {
  const url = new URL(`${base}/bzk/locatieserver/search/v3_1/free`);
  url.searchParams.set("q", `postcode:${postalCode} AND huisnummer:${houseNumber}`);
  url.searchParams.set("fq", "type:adres");
  url.searchParams.set("rows", String(ROWS));
  const reply = get(url, { accept: "application/json" });
  if (reply.status === 429 || reply.status >= 500) {
    throw unavailable(retryAfter(reply));
  }
  if (reply.status !== 200) {
    throw outsideParty(`PDOK: status ${reply.status}: ${reply.text.slice(0, 500)}`);
  }
  let docs;
  try {
    docs = JSON.parse(reply.text).response.docs.map(address);
  } catch (error) {
    throw outsideParty(`PDOK: an answer that is not as documented: ${error.message}`);
  }
  // The register counts a letter and an addition apart; people write both as
  // one, with or without a hyphen.
  const plain = (text) => text.replace(/[^A-Za-z0-9]/g, "").toUpperCase();
  const wanted = plain(addition ?? "");
  return docs.filter(
    ({ houseLetter, houseNumberAddition }) =>
      wanted === "" || plain(`${houseLetter ?? ""}${houseNumberAddition ?? ""}`) === wanted,
  );
}

/** Whole seconds, if the party says how long to wait. */
function retryAfter(reply) {
  const seconds = Number.parseInt(reply.headers.get("retry-after") ?? "", 10);
  return seconds >= 0 ? seconds : undefined;
}

/** An address of the answer, in English. Longitude comes first there (WGS 84). */
function address(doc) {
  const [, longitude, latitude] = /^POINT\(([-0-9.]+) ([-0-9.]+)\)$/.exec(doc.centroide_ll);
  return {
    street: doc.straatnaam,
    houseNumber: doc.huisnummer,
    houseLetter: doc.huisletter ?? null,
    houseNumberAddition: doc.huisnummertoevoeging ?? null,
    postalCode: doc.postcode,
    city: doc.woonplaatsnaam,
    municipality: doc.gemeentenaam,
    province: doc.provincienaam,
    latitude: Number(latitude),
    longitude: Number(longitude),
    numberDesignationId: doc.nummeraanduiding_id,
    addressableObjectId: doc.adresseerbaarobject_id,
  };
}

/** What is held beside what the register says; `matches` is null where it knows no such address. */
function compare(held, addresses) {
  const same = (a, b) => (a ?? "").trim().toLowerCase() === (b ?? "").trim().toLowerCase();
  const matches = ({ street, city }) => same(street, held.street) && same(city, held.city);
  return {
    street: held.street ?? null,
    houseNumber: held.houseNumber,
    houseNumberAddition: held.houseNumberAddition ?? null,
    postalCode: held.postalCode,
    city: held.city ?? null,
    matches: addresses.length === 0 ? null : addresses.some(matches),
  };
}
