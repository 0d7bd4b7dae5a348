// Identity: who is calling.
import { code } from './code.ts'

export const identityCodes = {
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
  jwt_key_kind_differs: code(
    401,
    1,
    false,
    'The access token is signed in another way than the configuration expects.',
    'Give the legacy secret of the project with ROWHOUSE_JWT_SECRET, or move it to asymmetric signing keys.',
  ),
  sign_in_failed: code(
    401,
    1,
    false,
    'The sign-in could not be finished.',
    'Begin again: open the console and sign in.',
  ),
  issuer_missing: code(
    500,
    2,
    false,
    'No identity provider is configured.',
    'Set ROWHOUSE_ISSUER (and ROWHOUSE_AUDIENCE).',
  ),
} as const
