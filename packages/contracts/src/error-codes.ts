// Every code Rowhouse can refuse with. A code is permanent: programs match on it, documents link to it.
// Adding one here is enough for the API, the CLI and the documentation to know it.

interface ErrorCodeEntry {
  /** HTTP status of the API's answer. */
  readonly status: number
  /** Exit code of the CLI: 1 found problems, 2 usage, 3 unavailable. */
  readonly exit: 1 | 2 | 3
  readonly retryable: boolean
  /** What happened, when the thrower has nothing more exact to say. */
  readonly message: string
  /** What to do about it. */
  readonly hint: string
}

const code = (status: number, exit: 1 | 2 | 3, retryable: boolean, message: string, hint: string): ErrorCodeEntry => ({
  status,
  exit,
  retryable,
  message,
  hint,
})

export const errorCodes = {
  // Configuration
  signing_key_missing: code(
    500,
    2,
    false,
    'ROWHOUSE_SIGNING_KEY is not set.',
    'Set it to at least 32 random characters: openssl rand -base64 32',
  ),
  signing_key_too_short: code(
    500,
    2,
    false,
    'The signing key is shorter than 32 characters.',
    'Make a new one: openssl rand -base64 32',
  ),
  encryption_key_missing: code(
    500,
    2,
    false,
    'ROWHOUSE_ENCRYPTION_KEY is not set.',
    'Set it to at least 32 random characters: openssl rand -base64 32',
  ),
  encryption_key_too_short: code(
    500,
    2,
    false,
    'The encryption key is shorter than 32 characters.',
    'Make a new one: openssl rand -base64 32',
  ),
  operator_key_missing: code(
    500,
    2,
    false,
    'ROWHOUSE_OPERATOR_KEY is not set.',
    'Set it to at least 32 random characters: openssl rand -base64 32',
  ),
  operator_key_too_short: code(
    500,
    2,
    false,
    'The operator key is shorter than 32 characters.',
    'Make a new one: openssl rand -base64 32',
  ),
  url_missing: code(
    500,
    2,
    false,
    'ROWHOUSE_URL is not set.',
    'Set it to the URL of the catalogue database: postgres://user:password@host:5432/database',
  ),
  invalid_option: code(
    400,
    2,
    false,
    'An option has a value that is not allowed.',
    'See the message for the option and what it takes.',
  ),
  port_in_use: code(
    500,
    3,
    false,
    'The port is taken by another program.',
    'Choose another one with --port, or stop the program that holds it.',
  ),
  already_running: code(
    500,
    3,
    false,
    'Rowhouse already runs in this folder.',
    'Use the one that runs, stop it first, or choose another folder with --data.',
  ),

  // The database
  database_unreachable: code(
    503,
    3,
    true,
    'The database does not answer.',
    'Check that Postgres runs and that the URL, the password and the network are right.',
  ),
  database_login_refused: code(
    503,
    3,
    false,
    'The database refused the login.',
    'Check the user and password of the URL.',
  ),
  postgres_too_old: code(503, 3, false, 'This Postgres is older than version 15.', 'Use Postgres 15, 16, 17 or 18.'),
  data_version_mismatch: code(
    503,
    3,
    false,
    'The data directory belongs to another major version of Postgres.',
    'Choose another folder with --data, or dump and restore with the version that made it.',
  ),
  postgres_start_failed: code(
    503,
    3,
    false,
    'The embedded Postgres did not start.',
    'Read the log that the message names.',
  ),
  data_directory_foreign: code(
    503,
    2,
    false,
    'The folder holds the files of something else.',
    'Choose an empty or a new folder with --data.',
  ),
  data_directory_unusable: code(
    503,
    3,
    false,
    'The data directory cannot be used.',
    'Check that the path is a folder that this user may write, or choose another one with --data.',
  ),
  platform_unsupported: code(
    503,
    3,
    false,
    'There is no embedded Postgres for this platform.',
    'Use a Postgres of your own: set ROWHOUSE_URL.',
  ),
  not_installed: code(503, 3, false, 'Rowhouse is not installed in this database.', 'Run: rowhouse install'),
  schema_outdated: code(
    503,
    3,
    false,
    'The schema of this database is older than this program.',
    'Run: rowhouse upgrade',
  ),
  schema_newer: code(
    503,
    3,
    false,
    'The schema of this database is newer than this program.',
    'Upgrade this program; a newer schema is never changed by older code.',
  ),
  migration_changed: code(
    503,
    3,
    false,
    'A migration that was applied has another content now.',
    'Restore the file: an applied migration is never edited.',
  ),
  login_bypasses_rls: code(
    500,
    2,
    false,
    'This login bypasses row-level security.',
    'Use the login rowhouse_app: rowhouse install prints its URL.',
  ),
  login_lacks_privilege: code(
    500,
    2,
    false,
    'This login may not do what was asked.',
    'Use the login that the message names.',
  ),
  login_password_differs: code(
    500,
    2,
    false,
    'A Rowhouse login exists with another password than this signing key gives.',
    'Use the signing key of the first install, or run: rowhouse install --reset-logins',
  ),
  clock_skew: code(
    503,
    3,
    false,
    'The clock of this machine and the clock of the database differ too much.',
    'Synchronise the clock of this machine (NTP).',
  ),

  // Context: who acts for which organization
  token_missing: code(401, 1, false, 'No token was given.', 'Run the query through rowhouse.as(…).'),
  token_malformed: code(401, 1, false, 'The token is not one of Rowhouse.', 'Run the query through rowhouse.as(…).'),
  token_invalid: code(
    401,
    1,
    false,
    'The signature of the token is wrong.',
    'Check that the application and the database were installed with the same signing key.',
  ),
  token_expired: code(401, 1, true, 'The token has expired.', 'Run the query again: a new token is made each time.'),
  token_wrong_database: code(
    401,
    1,
    false,
    'The token is for another database.',
    'Check the URL: a token names the database it is for.',
  ),
  already_entered: code(
    409,
    1,
    false,
    'This transaction already acts for an organization.',
    'One transaction, one organization: end it and begin another.',
  ),
  organization_not_found: code(404, 1, false, 'There is no such organization.', 'Check the id: rowhouse org list'),
  organization_suspended: code(403, 1, false, 'The organization is suspended.', 'Resume it: rowhouse org resume'),
  organization_moved: code(
    409,
    1,
    true,
    'The organization lives elsewhere now.',
    'Run the query again: the placement is looked up anew.',
  ),
  organization_busy: code(503, 3, true, 'The organization is being moved.', 'Run the query again in a moment.'),
  no_active_organization: code(
    403,
    1,
    false,
    'No organization is active.',
    'Name one: the x-organization-id header, or the claim of the token.',
  ),
  not_a_member: code(
    403,
    1,
    false,
    'The user is not a member of the organization.',
    'Ask an administrator of the organization for an invitation.',
  ),
  permission_denied: code(
    403,
    1,
    false,
    'The role does not allow this.',
    'Ask an administrator of the organization for the permission that the message names.',
  ),
  row_level_security: code(
    403,
    1,
    false,
    'A row of another organization was refused.',
    'Leave organization_id out, or name the organization that the query acts for.',
  ),

  // Statements
  statement_not_allowed: code(
    400,
    1,
    false,
    'This statement would outlive its transaction.',
    'Transactions are made with transaction(); sessions are shared, so nothing may be left in them.',
  ),
  connection_tainted: code(
    500,
    1,
    true,
    'The connection was left in a state that is not safe to reuse, and was closed.',
    'Nothing to do: a new one is opened.',
  ),
  connection_lost: code(
    503,
    3,
    false,
    'The connection broke while the statement ran; nobody knows whether it was applied.',
    'Look whether it was applied before running it again.',
  ),
  statement_forgotten: code(
    503,
    1,
    true,
    'The server no longer knows a prepared statement, or the table changed under it.',
    'Run it again; behind a transaction pooler set preparedStatements to false.',
  ),
  statement_timeout: code(
    503,
    1,
    false,
    'The statement was cancelled, most likely because it ran too long.',
    'Make it faster, or raise pool.statementTimeoutMs.',
  ),
  transaction_finished: code(
    400,
    1,
    false,
    'The transaction has ended.',
    'Await every query inside the function that transaction() was given.',
  ),
  pool_exhausted: code(
    503,
    3,
    true,
    'No connection became free in time.',
    'Raise the pool size, or shorten the transactions.',
  ),
  closed: code(500, 1, false, 'Rowhouse is closed.', 'Make a new one with createRowhouse().'),
  query_failed: code(400, 1, false, 'The statement failed.', 'See the SQLSTATE in details.'),
  serialization_failure: code(409, 1, true, 'The transaction collided with another one.', 'Run it again.'),
  unique_violation: code(409, 1, false, 'A row with this key exists.', 'Use another key, or update the row.'),
  foreign_key_violation: code(
    409,
    1,
    false,
    'The row refers to a row that does not exist in this organization.',
    'Insert the referenced row first.',
  ),
  check_violation: code(400, 1, false, 'The row breaks a constraint.', 'See the constraint in details.'),

  // Protecting tables
  protect_not_a_table: code(
    400,
    1,
    false,
    'Only ordinary and partitioned tables can be protected.',
    'Name the table itself.',
  ),
  protect_unknown_organization: code(
    400,
    1,
    false,
    'The table holds rows of unknown organization.',
    'Fill organization_id first.',
  ),
  protect_policy_exists: code(
    400,
    1,
    false,
    'The table has a policy that somebody added by hand.',
    'Drop it, or express it with the options of protect.',
  ),
  protect_options_invalid: code(
    400,
    1,
    false,
    'The options of protect are not valid.',
    'See the message for the key and what it takes.',
  ),
  protect_key_missing: code(
    400,
    1,
    false,
    'A key of the table does not begin with organization_id.',
    'Run the statement that the hint of the message names, and call protect again.',
  ),
  seal_missing: code(
    403,
    1,
    false,
    'A write to a protected table carries no seal.',
    'Write through rowhouse.as(…); migrations use the login rowhouse_migrator.',
  ),
  truncate_refused: code(400, 1, false, 'TRUNCATE of a protected table leaves no trace.', 'Use DELETE.'),

  // The catalogue
  role_unknown: code(
    400,
    1,
    false,
    'The organization has no such role.',
    'Built in are owner, admin, member and viewer.',
  ),
  role_in_use: code(409, 1, false, 'The role cannot be changed.', 'See the message for what depends on it.'),
  plan_unknown: code(400, 1, false, 'There is no such plan.', 'Check the id of the plan.'),

  demo_tables_taken: code(
    409,
    2,
    false,
    'The database has tables with the names of the demo.',
    'Give the demo a database of its own: create database rowhouse_demo, and name it in ROWHOUSE_URL.',
  ),

  // Identity
  unauthenticated: code(401, 1, false, 'You are not signed in.', 'Sign in, or send an Authorization header.'),
  operator_key_wrong: code(
    401,
    1,
    false,
    'The operator key is wrong.',
    'Use the value of ROWHOUSE_OPERATOR_KEY of the server.',
  ),
  jwt_invalid: code(401, 1, false, 'The access token could not be verified.', 'Sign in again.'),
  jwt_expired: code(401, 1, false, 'The access token has expired.', 'Sign in again.'),
  issuer_unreachable: code(
    503,
    3,
    true,
    'The keys of the identity provider could not be read.',
    'Check ROWHOUSE_ISSUER and ROWHOUSE_JWKS_URL, and that the provider is up.',
  ),
  issuer_without_keys: code(
    503,
    3,
    true,
    'The identity provider publishes no signing keys.',
    'Switch it to asymmetric signing keys; its JWKS must hold at least one.',
  ),
  issuer_missing: code(
    500,
    2,
    false,
    'No identity provider is configured.',
    'Set ROWHOUSE_ISSUER (and ROWHOUSE_AUDIENCE).',
  ),

  // The API
  validation_failed: code(400, 2, false, 'The request is not valid.', 'See details.issues for each field.'),
  not_found: code(404, 1, false, 'There is nothing here.', 'Check the path: /openapi.json lists all of them.'),
  method_not_allowed: code(405, 1, false, 'The method is not allowed here.', 'See /openapi.json.'),
  payload_too_large: code(413, 1, false, 'The body is too large.', 'Send less at once.'),
  cross_site_request: code(
    403,
    1,
    false,
    'The request came from another site.',
    'Send it from the console, or use a bearer token.',
  ),
  slug_taken: code(409, 1, false, 'Another organization has this slug.', 'Choose another slug.'),
  server_unreachable: code(
    503,
    3,
    true,
    'The server does not answer.',
    'Check that it runs (rowhouse serve) and that the address is right.',
  ),
  answer_invalid: code(
    502,
    3,
    true,
    'The answer is not one of Rowhouse.',
    'Check the address: something else, like a proxy, answered.',
  ),
  rate_limited: code(429, 1, true, 'Too many requests.', 'Wait for the time that Retry-After names.'),
  internal: code(500, 3, true, 'Something went wrong inside Rowhouse.', 'Search the log for the request id.'),

  // Connections and sync
  connector_unknown: code(400, 2, false, 'There is no such connector.', 'Connectors: hubspot, salesforce.'),
  connection_not_found: code(404, 1, false, 'There is no such connection.', 'Check the id: rowhouse connection list'),
  connection_exists: code(
    409,
    1,
    false,
    'The organization already has a connection to this account.',
    'Use the one it has, or name another account.',
  ),
  connection_wrong_state: code(
    409,
    1,
    false,
    'The connection is not in a state that allows this.',
    'See its state: rowhouse connection list',
  ),
  credentials_unreadable: code(
    500,
    3,
    false,
    'The credentials cannot be decrypted with this key.',
    'Use the encryption key they were stored with.',
  ),
  credentials_refused: code(502, 1, false, 'The CRM refused the credentials.', 'Connect the account again.'),
  connector_unreachable: code(502, 3, true, 'The CRM does not answer.', 'It is tried again by itself.'),
  connector_failed: code(502, 1, true, 'The CRM answered with an error.', 'See details.'),
  budget_exhausted: code(
    429,
    3,
    true,
    'The API budget of the CRM account is used up.',
    'It goes on by itself when the window ends.',
  ),
  mapping_invalid: code(
    400,
    2,
    false,
    'The tables here do not fit the mapping of the connector.',
    'Create the tables and columns that the message names, with rowhouse.protect on each.',
  ),
  lease_lost: code(409, 3, true, 'Another worker has taken over this work.', 'Nothing to do.'),
  webhook_signature_invalid: code(
    401,
    1,
    false,
    'The signature of the webhook is wrong.',
    'Check the client secret of the app.',
  ),
  webhook_expired: code(
    401,
    1,
    false,
    'The webhook is older than five minutes.',
    'Check the clocks; a replay is refused.',
  ),
  dead_letter_not_found: code(
    404,
    1,
    false,
    'There is no such dead letter.',
    'Check the id: rowhouse sync dead-letters',
  ),
} as const satisfies Record<string, ErrorCodeEntry>

export type ErrorCode = keyof typeof errorCodes
