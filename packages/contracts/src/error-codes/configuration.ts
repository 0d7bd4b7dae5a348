// Settings that Rowhouse cannot start with, and commands that cannot run as they were given.
import { code } from './code.ts'

export const configurationCodes = {
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
} as const
