//! The texts themselves: the name of each, English and Dutch. A `{}` is a place
//! for a value.

macro_rules! texts {
    ($($name:ident: $english:literal, $dutch:literal;)+) => {
        /// The texts in one language.
        pub(crate) struct Texts {
            $(pub(crate) $name: &'static str,)+
        }

        pub(super) static ENGLISH: Texts = Texts { $($name: $english,)+ };

        pub(super) static DUTCH: Texts = Texts { $($name: $dutch,)+ };

        /// The name of each, and both languages.
        #[cfg(test)]
        pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
            [$((stringify!($name), $english, $dutch),)+].into_iter()
        }
    };
}

/// The texts that are the same in both languages.
#[cfg(test)]
pub(super) const SAME: &[&str] = &[
    "account",
    "check_client",
    "check_module",
    "workers",
    "hash",
    "component",
    "client",
    "runs",
    "run",
    "connector",
    "origin_direct",
    "log",
    "status",
    "modules",
    "module",
];

texts! {
    // Around every page.
    skip: "Skip to the content", "Naar de inhoud";
    sections: "Sections", "Onderdelen";
    account: "Account", "Account";
    language: "Language", "Taal";
    log_out: "Log out", "Uitloggen";
    all_employers: "All employers", "Alle werkgevers";
    employer: "Employer", "Werkgever";
    change: "Change", "Wijzigen";
    choose_employer: "Choose an employer", "Kies een werkgever";
    employer_name: "Name of the employer", "Naam van de werkgever";
    search: "Search", "Zoeken";
    no_employers: "There are no employers with this name that you may access.", "Er zijn geen werkgevers met deze naam waar u bij mag.";
    pages: "Pages", "Pagina's";
    previous: "Previous", "Vorige";
    next: "Next", "Volgende";
    shown_of: "{} to {} of {}", "{} tot en met {} van {}";
    shown_none: "None of {} on this page", "Geen van {} op deze pagina";
    yes: "yes", "ja";
    no: "no", "nee";
    none: "none", "geen";
    times_in_utc: "Times are in UTC.", "Tijden zijn in UTC.";

    // Logging in and out.
    log_in: "Log in", "Inloggen";
    log_in_again: "Log in again", "Opnieuw inloggen";
    not_logged_in: "You are not logged in", "U bent niet ingelogd";
    login_unavailable: "Nobody can log in now. Try again later; the log of koppel says why.", "Er kan nu niemand inloggen. Probeer het later opnieuw; het log van koppel zegt waarom.";
    login_too_old: "This attempt to log in is too old, or was begun in another browser or tab.", "Deze poging om in te loggen is te oud, of is in een andere browser of een ander tabblad begonnen.";
    logged_out: "You are logged out", "U bent uitgelogd";
    logged_out_text: "Whoever else uses this browser cannot go on where you were. If you logged in at a provider, you may still be logged in there.", "Wie deze browser verder gebruikt kan niet verder waar u was. Als u bij een provider inlogde, bent u daar misschien nog ingelogd.";

    user_id: "User id", "Gebruikersnaam";
    password: "Password", "Wachtwoord";
    log_in_and_allow: "Log in and allow", "Inloggen en toestaan";
    application_asks: "The application {} asks to work with your payroll data in koppel, as you.", "De applicatie {} vraagt om namens u met uw salarisgegevens in koppel te werken.";
    goes_on_to: "Afterwards you go on to {}.", "Daarna gaat u verder naar {}.";
    does_not_work: "This does not work", "Dit werkt niet";
    form_too_old: "This form is too old, or was made for another browser. Go back to the application and start again.", "Dit formulier is te oud, of was voor een andere browser. Ga terug naar de applicatie en begin opnieuw.";
    too_many_attempts: "Too many attempts. Try again in {} seconds.", "Te veel pogingen. Probeer het over {} seconden opnieuw.";
    wrong_password: "The user id or the password is not right.", "De gebruikersnaam of het wachtwoord klopt niet.";
    parameter_twice: "The parameter {} is there more than once.", "De parameter {} staat er meer dan eens.";
    parameter_missing: "The application did not send the parameter {}.", "De applicatie stuurde de parameter {} niet.";
    may_not_send_you: "The application {} may not send you to {}.", "De applicatie {} mag u niet naar {} sturen.";
    no_application: "There is no application {} here.", "Er is hier geen applicatie {}.";
    something_wrong: "Something is wrong in koppel. Try again later.", "Er is iets mis in koppel. Probeer het later opnieuw.";

    // Problems.
    denied: "Denied", "Geweigerd";
    refused: "Refused", "Afgewezen";
    not_right: "This is not right", "Dit klopt niet";
    not_found: "Not found", "Niet gevonden";
    not_now: "This cannot be done now", "Dit kan nu niet";
    later: "Try again later", "Probeer het later opnieuw";
    failed: "This did not work", "Dit is niet gelukt";
    nothing_here: "There is no such page.", "Deze pagina is er niet.";
    form_from_elsewhere: "This form came from elsewhere, or from before you logged in. Nothing was done. Go back, load the page again and send it once more.", "Dit formulier kwam ergens anders vandaan, of van voordat u inlogde. Er is niets gedaan. Ga terug, laad de pagina opnieuw en verstuur het nog eens.";
    explain_this: "What do the five checks say of this?", "Wat zeggen de vijf controles hiervan?";
    to_overview: "To the overview", "Naar het overzicht";

    // Overview.
    overview: "Overview", "Overzicht";
    period: "{} to {}", "{} tot en met {}";
    need_a_person: "Need a person", "Wachten op een mens";
    running: "Running", "Bezig";
    queued: "Queued", "In de wachtrij";
    denials: "Denials", "Weigeringen";
    runs_per_day: "Runs per day, by outcome", "Runs per dag, naar afloop";
    runs_per_day_text: "For each day how many runs were submitted, and what came of them. The table below says the same.", "Voor elke dag hoeveel runs er zijn aangeboden en wat ervan kwam. De tabel hieronder zegt hetzelfde.";
    as_a_table: "As a table", "Als tabel";
    date: "Date", "Datum";
    succeeded: "Succeeded", "Geslaagd";
    under_way: "Under way", "Onderweg";
    failed_runs: "Failed", "Mislukt";
    cancelled: "Cancelled", "Geannuleerd";
    denials_by_check: "Denials, by check", "Weigeringen, naar controle";
    messages_by_kind: "Messages, by kind", "Berichten, naar soort";
    check: "Check", "Controle";
    kind: "Kind", "Soort";
    number: "Number", "Aantal";
    check_client: "Client", "Client";
    check_user: "User", "Gebruiker";
    check_role: "Role", "Rol";
    check_module: "Module", "Module";
    check_entity: "Entity", "Entiteit";
    check_egress: "Outside request", "Verzoek naar buiten";
    check_exports: "Export file", "Exportbestand";
    check_other: "Other", "Anders";
    kind_request: "Request", "Verzoek";
    kind_response: "Reply", "Antwoord";
    kind_export_file: "Export file", "Exportbestand";
    this_host: "This host", "Deze host";
    health: "Health", "Gezondheid";
    ready: "Ready", "Gereed";
    not_ready: "Not ready", "Niet gereed";
    version: "Version", "Versie";
    workers: "Workers", "Workers";
    configuration: "Configuration in force", "Configuratie die geldt";
    configuration_holds: "Connectors {}, applications {}, users {}, rights {}, roles {}", "Connectoren {}, applicaties {}, gebruikers {}, rechten {}, rollen {}";
    published_grants: "Version of the published grants:", "Versie van de gepubliceerde rechten:";
    since: "since", "sinds";
    file_has_faults: "What is newer has faults, so the configuration above stays in force:", "Wat nieuwer is bevat fouten, dus de configuratie hierboven blijft gelden:";
    ledger: "Ledger", "Grootboek";
    ledger_rows: "{} rows, the last one of", "{} regels, de laatste van";
    ledger_empty: "It has no rows yet.", "Er staan nog geen regels in.";
    hash: "hash", "hash";

    // Connectors.
    connectors: "Connectors", "Connectoren";
    matrix: "Activities by connector", "Activiteiten per connector";
    matrix_text: "What each connector asks for, was granted and used. Reading is not in the ledger: of that, only what was done since this host started is known.", "Wat elke connector vraagt, kreeg en gebruikte. Lezen staat niet in het grootboek: daarvan is alleen bekend wat gebeurde sinds deze host startte.";
    activity: "Activity", "Activiteit";
    legend: "Legend", "Legenda";
    standing_used: "granted and used", "toegekend en gebruikt";
    standing_granted: "granted, not used", "toegekend, niet gebruikt";
    standing_spare: "granted, not asked for", "toegekend, niet gevraagd";
    standing_missing: "asked for, not granted", "gevraagd, niet toegekend";
    standing_nothing: "neither asked for nor granted", "niet gevraagd en niet toegekend";
    not_loaded: "not loaded", "niet geladen";
    loaded: "loaded", "geladen";
    not_loaded_heading: "Not loaded", "Niet geladen";
    not_loaded_text: "These connectors cannot run, for the reason that is given with each.", "Deze connectoren kunnen niet draaien, om de reden die erbij staat.";
    no_connectors: "There are no connectors in the configuration.", "Er staan geen connectoren in de configuratie.";
    no_connector: "There is no connector \"{}\" in the configuration.", "Er staat geen connector \"{}\" in de configuratie.";
    state: "State", "Toestand";
    component: "Component", "Component";
    size: "Size", "Grootte";
    pinned: "Pinned by the operator", "Vastgelegd door de beheerder";
    contract_version: "Version of the contract", "Versie van het contract";
    asks_for: "Also asks for", "Vraagt ook om";
    outside_requests: "outside requests", "verzoeken naar buiten";
    export_files: "export files", "exportbestanden";
    export_files_title: "Export files", "Exportbestanden";
    attempts_at_most: "Attempts at a run, at most", "Pogingen per run, hoogstens";
    at_a_time: "Runs from the queue at a time, at most", "Runs uit de wachtrij tegelijk, hoogstens";
    no_limit: "no limit", "geen limiet";
    activities: "Activities", "Activiteiten";
    standing: "Standing", "Stand";
    in_the_ledger: "In the ledger", "In het grootboek";
    last: "Last", "Laatst";
    explain: "Explain", "Uitleggen";
    http_rules: "Rules for outside requests", "Regels voor verzoeken naar buiten";
    no_rules: "It may send no requests.", "Het mag geen verzoeken versturen.";
    address: "Address", "Adres";
    methods: "Methods", "Methoden";
    credential: "Credential", "Toegangsgegeven";
    field_list: "Fields listed", "Velden opgesomd";
    private_addresses: "Private addresses", "Privéadressen";
    repeatable: "May be repeated", "Mag herhaald worden";
    no_export_files: "It may write no export files.", "Het mag geen exportbestanden schrijven.";
    folder: "Folder", "Map";
    quota: "Quota", "Quotum";
    limits: "Limits of a run", "Grenzen van een run";
    limit: "Limit", "Grens";
    value: "Value", "Waarde";
    settings: "Settings", "Instellingen";
    settings_text: "As the connector gets them. They hold no secrets: those are credentials, which the host adds.", "Zoals de connector ze krijgt. Er staan geen geheimen in: dat zijn toegangsgegevens, die de host toevoegt.";

    // Why denied.
    why_denied: "Why denied?", "Waarom geweigerd?";
    ask_the_checks: "Ask the five checks", "Vraag het de vijf controles";
    ask_text: "What they would say of this question now, and the line of the configuration that would change it.", "Wat ze nu van deze vraag zouden zeggen, en de regel van de configuratie die dat zou veranderen.";
    client: "Client", "Client";
    user: "User", "Gebruiker";
    choose: "Choose", "Kies";
    ask: "Ask", "Vraag";
    answer: "Answer", "Antwoord";
    allowed: "Allowed", "Toegestaan";
    green: "green", "groen";
    red: "red", "rood";
    reason: "Reason", "Reden";
    would_be_green_with: "Would be green with", "Zou groen zijn met";
    denied_lately: "What was denied", "Wat is geweigerd";
    no_denials: "Nothing was denied.", "Er is niets geweigerd.";
    time: "Time", "Tijd";

    // Runs.
    runs: "Runs", "Runs";
    run: "Run", "Run";
    all_runs: "All runs", "Alle runs";
    new_run: "Submit a run", "Run aanbieden";
    any: "Any", "Alle";
    connector: "Connector", "Connector";
    from_day: "From (day)", "Vanaf (dag)";
    until_day: "Before (day)", "Vóór (dag)";
    filter: "Filter", "Filteren";
    no_runs: "There are no such runs.", "Zulke runs zijn er niet.";
    submitted: "Submitted", "Aangeboden";
    job: "Job", "Opdracht";
    attempts: "Attempts", "Pogingen";
    attempt: "Attempt", "Poging";
    what_went_wrong: "What went wrong", "Wat ging er mis";
    needs_a_person: "Needs a person", "Wacht op een mens";
    dead: "Given up", "Opgegeven";
    job_journal_run: "Process a journal run", "Journaalrun verwerken";
    job_create_declaration: "Make a declaration", "Aangifte maken";
    job_submit_declaration: "Send a declaration", "Aangifte versturen";
    job_poll_declaration: "Fetch replies to a declaration", "Antwoorden op een aangifte ophalen";
    job_lookup: "Look up", "Opzoeken";
    job_quote: "Ask a price", "Prijs vragen";
    job_order: "Order", "Bestellen";
    job_cancel: "Cancel an order", "Bestelling annuleren";
    job_check: "Test the connection", "Verbinding testen";
    origin: "Origin", "Herkomst";
    origin_submitted: "submitted", "aangeboden";
    origin_direct: "direct", "direct";
    origin_schedule: "schedule", "schema";
    on_behalf_of: "On behalf of", "Namens";
    key: "Idempotency key", "Idempotentiesleutel";
    cancellation_asked: "Cancellation asked for", "Annulering gevraagd";
    messages_of_run: "Messages of this run", "Berichten van deze run";
    timeline: "Timeline", "Tijdlijn";
    taken_up_again: "taken up again", "weer opgepakt";
    due: "due", "aan de beurt";
    log: "Log", "Log";
    request: "Request", "Verzoek";
    output: "Output", "Uitkomst";
    in_doubt: "A write is in doubt", "Van een wijziging is onbekend of ze gebeurde";
    in_doubt_text: "Nobody knows whether this happened. Look at the outside party before you decide.", "Niemand weet of dit is gebeurd. Kijk bij de andere partij voordat u beslist.";
    happened_text: "A person said that these happened; no later attempt makes them:", "Hiervan zei iemand dat het is gebeurd; geen latere poging doet het nog eens:";
    what_can_be_done: "What can be done", "Wat kan er gedaan worden";
    why_cancel: "Why it is cancelled", "Waarom hij wordt geannuleerd";
    cancel_run: "Cancel this run", "Deze run annuleren";
    retry_text: "It is queued again, from the start, for the same user with what that user may do then.", "Hij gaat opnieuw in de wachtrij, vanaf het begin, voor dezelfde gebruiker met wat die dan mag.";
    retry: "Retry", "Opnieuw proberen";
    decide_legend: "Decide", "Beslissen";
    decide_text: "What became of this write?", "Wat is er van deze wijziging geworden?";
    it_happened: "It happened: it is not made again", "Het is gebeurd: het gebeurt niet nog eens";
    it_did_not_happen: "It did not happen: it is made now", "Het is niet gebeurd: het gebeurt nu";
    stop_here: "Stop: the run ends here", "Stoppen: de run eindigt hier";
    reply_legend: "The reply, if it happened and you know it", "Het antwoord, als het is gebeurd en u dat weet";
    reply_text: "The run then goes on with it. Without, it begins anew and does not make this write.", "De run gaat er dan mee verder. Zonder begint hij opnieuw en doet hij deze wijziging niet.";
    http_status: "HTTP status", "HTTP-status";
    media_type: "Media type", "Mediatype";
    reply_body: "Body", "Inhoud";
    decide: "Decide", "Beslis";
    journal_run: "Journal run", "Journaalrun";
    journal_run_hint: "To process a journal run: its identifier.", "Om een journaalrun te verwerken: het kenmerk ervan.";
    declaration: "Declaration", "Aangifte";
    declaration_hint: "To make, send or fetch replies to a declaration: its identifier.", "Om een aangifte te maken, te versturen of antwoorden erop op te halen: het kenmerk ervan.";
    order: "Order", "Bestelling";
    order_hint: "To cancel an order, or to place one again whose reply was lost: its identifier.", "Om een bestelling te annuleren, of er een opnieuw te plaatsen waarvan het antwoord verloren ging: het kenmerk ervan.";
    request_hint: "To look up, ask a price or order: a JSON object as the connector wants it.", "Om op te zoeken, een prijs te vragen of te bestellen: een JSON-object zoals de connector het wil.";
    no_connectors_set_up: "No connector was set up for this employer: that takes a line in [connectors] of the configuration.", "Voor deze werkgever is geen connector ingesteld: dat vraagt een regel in [connectors] van de configuratie.";
    submit: "Submit", "Aanbieden";
    of_one_employer: "This is about one employer. Choose one above.", "Dit gaat over één werkgever. Kies er hierboven een.";

    // Messages.
    messages: "Messages", "Berichten";
    message: "Message", "Bericht";
    no_messages: "There are no such messages.", "Zulke berichten zijn er niet.";
    status: "Status", "Status";
    outcome: "Outcome", "Afloop";
    exchange: "Exchange", "Uitwisseling";
    ledger_hash: "Hash in the ledger", "Hash in het grootboek";
    header_fields: "Header fields", "Headervelden";
    name: "Name", "Naam";
    content: "Content", "Inhoud";
    shown_exactly: "As it was exchanged.", "Zoals het is uitgewisseld.";
    shown_in_hexadecimal: "It is no text: shown in hexadecimal.", "Het is geen tekst: hexadecimaal getoond.";
    shown_laid_out: "Laid out for reading: white space is not as it was exchanged.", "Opgemaakt om te lezen: witruimte is niet zoals uitgewisseld.";
    lay_out: "Lay it out", "Opmaken";
    show_exactly: "Show it exactly", "Precies tonen";
    first_bytes_only: "Only the first {} of {} bytes are shown.", "Alleen de eerste {} van {} bytes worden getoond.";
    content_not_for_you: "You have no right to see the content.", "U hebt geen recht om de inhoud te zien.";
    content_not_kept: "There were too many bytes to keep.", "Het waren te veel bytes om te bewaren.";
    download: "Download the exact bytes", "Precieze bytes downloaden";

    // Modules.
    modules: "Modules", "Modules";
    module: "Module", "Module";
    modules_text: "Modules (products) that are on for this employer. Turning one acts on the next call of every run, and is in the ledger.", "Modules (producten) die aan staan voor deze werkgever. Omzetten werkt vanaf de volgende aanroep van elke run, en komt in het grootboek.";
    on: "on", "aan";
    off: "off", "uit";
    turn: "Turn", "Omzetten";
    turn_on: "Turn on", "Zet aan";
    turn_off: "Turn off", "Zet uit";

    // The ledger.
    ledger_text: "Each row holds a hash of itself and of the row before. Verifying reads all rows and finds the first that was changed, removed or inserted.", "Elke regel bevat een hash van zichzelf en van de regel ervoor. Verifiëren leest alle regels en vindt de eerste die is gewijzigd, verwijderd of ingevoegd.";
    verify: "Verify now", "Nu verifiëren";
    verify_text: "A large ledger takes a while.", "Een groot grootboek duurt even.";
    intact: "The chain is intact", "De keten is heel";
    rows_verified: "{} rows were verified.", "Er zijn {} regels geverifieerd.";
    head: "Hash of the last row:", "Hash van de laatste regel:";
    broken: "The chain is broken", "De keten is gebroken";
    broken_at: "The first row that is not right is number {}.", "De eerste regel die niet klopt is nummer {}.";
    broken_text: "Rows before it are as they were written. Keep the file as it is, and compare it with a copy.", "De regels ervoor zijn zoals ze zijn geschreven. Laat het bestand zoals het is, en vergelijk het met een kopie.";
    verified_at: "Verified at", "Geverifieerd om";
}
