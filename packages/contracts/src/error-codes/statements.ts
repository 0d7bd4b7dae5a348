// Statements of the application, and the answers of Postgres that it may act on.
import { code } from './code.ts'

export const statementsCodes = {
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
  too_many_waiting: code(
    429,
    3,
    true,
    'As many queries of the organization wait for a connection as may.',
    'Send fewer at a time, and try again after retryAfterS seconds.',
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
} as const
