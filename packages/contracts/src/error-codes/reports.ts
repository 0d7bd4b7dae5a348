// Reading across organizations.
import { code } from './code.ts'

export const reportsCodes = {
  report_not_approved: code(
    403,
    1,
    false,
    'No approved report has this name.',
    'The owner of the database defines and approves it: rowhouse report approve.',
  ),
  report_invalid: code(
    400,
    2,
    false,
    'The report cannot run.',
    'The statement is one SELECT that returns the columns named, and combine one SELECT over results.',
  ),
  report_too_large: code(
    422,
    1,
    false,
    'The report returns more rows for one organization than it may.',
    'Aggregate in its statement, or define it with a larger rows_max.',
  ),
  report_outdated: code(
    503,
    3,
    true,
    'A database has not heard yet of the report as it is now.',
    'Try again in a moment; rowhouse worker carries reports to every database.',
  ),
  report_incomplete: code(
    503,
    1,
    true,
    'Not every organization could be read.',
    'See details; run it again, or with partial to leave those out.',
  ),
} as const
