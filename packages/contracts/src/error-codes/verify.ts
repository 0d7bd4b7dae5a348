// Proof that organizations are apart.
import { code } from './code.ts'

export const verifyCodes = {
  scratch_unavailable: code(
    503,
    3,
    false,
    'The scratch databases cannot be made.',
    'Name a server whose superuser may be used: --scratch-url postgres://…, or --scratch-url same-server.',
  ),
} as const
