// A canonical value as REST takes it. Pure; which field has which kind is objects.ts's.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1544787084.html
import { canonical } from '../kit/canonical.ts'
import type { FieldKind } from '../kit/canonical.ts'
import type { FieldValue } from '../kit/connector.ts'

export function valueToSend(kind: FieldKind, text: FieldValue): unknown {
  if (text === null) return null
  switch (kind) {
    case 'number':
      return numberToSend(text)
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'choice':
      return { id: text }
    case 'choices':
      return { items: text.split(';').map((id) => ({ id })) }
    case 'domain':
      // Its own pages refuse an address without a scheme.
      return /\s/.test(text) ? text : `https://${text}`
    case 'instant':
      return text.replace(/\.000Z$/, 'Z')
    case 'json':
    case 'text':
    case 'email':
    case 'date':
      break
  }
  return text
}

/** What is no number stays text, for NetSuite to refuse. */
export function numberToSend(text: string): number | string {
  const number = Number(text)
  return text.trim() !== '' && Number.isFinite(number) ? number : text
}

/** Whether NetSuite, whose numbers are doubles, would keep another number than this one. */
export function isTooPrecise(text: string): boolean {
  const number = Number(text)
  return Number.isFinite(number) && canonical('number', number) !== canonical('number', text)
}
