// The SQLSTATEs that the SQL layer refuses with, and the code each one is. The only such table: the runtime reads it.
import type { ErrorCode } from '@rowhouse/contracts'

export const errorCodeBySqlstate = {
  RH001: 'token_missing',
  RH002: 'token_malformed',
  RH003: 'token_invalid',
  RH004: 'token_expired',
  RH005: 'token_wrong_database',
  RH006: 'already_entered',
  RH007: 'organization_not_found',
  RH008: 'organization_suspended',
  RH009: 'organization_moved',
  RH010: 'organization_busy',
  RH011: 'not_a_member',
  RH012: 'permission_denied',
  RH013: 'connection_not_found',
  RH014: 'seal_missing',
  RH015: 'row_level_security',
  RH016: 'truncate_refused',
  RH017: 'gateway_call_refused',
  RH018: 'organization_header_invalid',
  RH019: 'token_hook_event_invalid',
  RH020: 'protect_not_a_table',
  RH021: 'protect_unknown_organization',
  RH022: 'protect_policy_exists',
  RH023: 'protect_options_invalid',
  RH024: 'protect_key_missing',
  RH025: 'protect_partitions_refused',
  RH030: 'slug_taken',
  RH031: 'role_unknown',
  RH032: 'role_in_use',
  RH033: 'plan_unknown',
  RH034: 'relation_exists',
  RH035: 'organization_has_rows',
  RH036: 'owner_required',
  RH050: 'change_log_append_only',
  RH051: 'record_not_deleted',
  RH052: 'undelete_conflict',
  RH053: 'undelete_parent_missing',
  RH054: 'undelete_value_hidden',
  RH060: 'adopt_running',
  RH061: 'setting_name_invalid',
  RH070: 'no_active_organization',
  RH071: 'keys_missing',
  RH072: 'bucket_not_protectable',
  RH073: 'channel_pattern_invalid',
  RH074: 'invitation_invalid',
  RH075: 'invitation_accepted',
  RH076: 'already_a_member',
  RH077: 'invitation_email_differs',
  RH078: 'role_above_own',
  RH079: 'invitation_limit',
  RH080: 'report_not_approved',
  RH081: 'report_invalid',
  RH082: 'report_too_large',
} as const satisfies Record<`RH${string}`, ErrorCode>

/** The code of a refusal by Rowhouse's own SQL, or null for any other SQLSTATE. */
export function errorCodeOf(sqlstate: string | undefined): ErrorCode | null {
  return Object.hasOwn(errorCodeBySqlstate, sqlstate ?? '')
    ? errorCodeBySqlstate[sqlstate as keyof typeof errorCodeBySqlstate]
    : null
}
