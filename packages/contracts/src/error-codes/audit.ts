// The audit trail: the change log, what is brought back from it, how long it is kept.
import { code } from './code.ts'

export const auditCodes = {
  change_log_append_only: code(
    403,
    1,
    false,
    'A line of the change log cannot be changed or deleted.',
    'A line that was wrong is followed by one that says so.',
  ),
  record_not_deleted: code(
    409,
    1,
    false,
    'The record is not deleted.',
    'The change log holds no delete of it that is its last change: rowhouse audit history.',
  ),
  undelete_conflict: code(
    409,
    1,
    false,
    'Another row stands where the record would come back.',
    'Change or delete that row first.',
  ),
  undelete_parent_missing: code(409, 1, false, 'A row that the record refers to is gone.', 'Undelete that row first.'),
  undelete_value_hidden: code(
    422,
    1,
    false,
    'The record needs a value that the change log does not hold.',
    'Insert it anew with that value.',
  ),
  retention_out_of_bounds: code(
    400,
    2,
    false,
    'Lines of the change log cannot be kept for that long or short.',
    'Give 30 to 36500 days, or keep them for ever.',
  ),
  prune_refused: code(
    409,
    1,
    false,
    'Lines of the change log are not pruned.',
    'Retention takes what is sealed, read by every reader and older than it: rowhouse audit retention.',
  ),
  seal_conflict: code(
    409,
    1,
    true,
    'The seal is not waiting for its MAC.',
    'Prepare it again, and finish it in the same transaction.',
  ),
} as const
