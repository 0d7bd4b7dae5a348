// What Template is, before any call: objects, limits, capabilities, the mapping a connection starts with.
// Owns names and numbers only. Name the page of the provider's documentation that each number is from.
import type { FieldKind } from '../src/kit/canonical.ts'
import { mappingOf } from '../src/kit/mapping.ts'
import type { ConnectorDescription, ObjectDescription } from '../src/kit/description.ts'

export interface TemplateObject extends ObjectDescription {
  /** How values are compared; text where nothing is said. */
  readonly kinds: Readonly<Record<string, FieldKind>>
}

export const contact: TemplateObject = {
  name: 'contact',
  remoteName: 'contacts',
  references: [],
  uniqueFields: ['email'],
  pageSizeMax: 100,
  batchSizeMax: 100,
  // A unique field that carries our token, so that a create whose answer was lost is found again.
  createTokenField: null,
  readOnlyFields: ['id', 'createdAt', 'updatedAt'],
  kinds: { email: 'email' },
}

export const objects: readonly TemplateObject[] = [contact]

export const description: ConnectorDescription = {
  id: 'template',
  name: 'Template',
  defaultBaseUrl: 'https://api.template.example',
  domains: ['template.example'],
  objects,
  budgets: [{ name: 'default', windows: [{ calls: 100, windowMs: 10_000 }], callsPerDay: null, concurrent: null }],
  capabilities: { webhooks: false, conditionalWrites: false, clientTag: false, fieldHistory: false },
  visibilityLagMs: 10_000,
  defaultMapping: [
    mappingOf(
      'contact',
      'contacts',
      { email: 'email', first_name: 'firstName', last_name: 'lastName' },
      {},
      { matchBy: ['email'] },
    ),
  ],
}
