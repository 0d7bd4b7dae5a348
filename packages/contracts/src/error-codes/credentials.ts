// Credentials: their keys and where they are kept.
import { code } from './code.ts'

export const credentialsCodes = {
  credentials_unreadable: code(
    500,
    3,
    false,
    'The credentials cannot be decrypted with this key.',
    'Set the encryption key they were stored with; while it changes, ROWHOUSE_ENCRYPTION_KEY_PREVIOUS too. Otherwise connect the account again.',
  ),
  organization_key_destroyed: code(
    409,
    1,
    false,
    'The data key of the organization was destroyed: its credentials cannot be read again, and none can be stored.',
    'An organization that was erased cannot be connected; create another one.',
  ),
  data_key_busy: code(
    503,
    3,
    true,
    'The data key of the organization is being rotated over and over.',
    'Try again when the rotation has ended: rowhouse key list',
  ),
  data_key_unknown: code(
    409,
    1,
    false,
    'A data key is wrapped by an encryption key that is not set.',
    'Set ROWHOUSE_ENCRYPTION_KEY_PREVIOUS to the key that wrapped it; see rowhouse key list.',
  ),
  credential_store_unavailable: code(
    503,
    3,
    true,
    'The store that credentials rest in does not answer as it should.',
    'See what the message names; what rests there is not lost.',
  ),
  credential_store_sealed: code(
    503,
    3,
    true,
    'The vault that credentials rest in is sealed.',
    'Unseal it: vault operator unseal. Connections wait meanwhile, and go on by themselves.',
  ),
  credential_store_refused: code(
    503,
    3,
    false,
    'The store that credentials rest in cannot be used as it is set up.',
    'Run rowhouse doctor: it says what is missing. What rests there is not lost, and connections wait.',
  ),
  credential_store_conflict: code(
    409,
    3,
    true,
    'Somebody else wrote the credentials of the connection meanwhile.',
    'Try again; the later ones are kept.',
  ),
} as const
