// What NetSuite is, before any call: objects, limits, capabilities, the mapping a connection starts with.
// Owns names and numbers only. A record has two names for most things: REST's (companyName) and SuiteQL's
// column (companyname); fields here carry REST's, and `columns` says where the other is not its lower case.
// Limits: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1500275531.html
import type { FieldKind } from '../kit/canonical.ts'
import { mappingOf, referencesTo } from '../kit/mapping.ts'
import type { ConnectorDescription, ObjectDescription } from '../kit/description.ts'

/** Most rows of one page of SuiteQL. */
export const pageSizeMax = 1000
/** Records of one write. NetSuite takes one a call, so a batch is only how much is settled at once. */
export const batchSizeMax = 20
/** Every record type has it; its value is unique within the type. */
export const tokenField = 'externalId'
/** The field whose value is the lines of an order; see lines.ts. */
export const linesField = 'item'

export interface NetsuiteObject extends ObjectDescription {
  /** SuiteQL's table, and what narrows it to this type. */
  readonly table: string
  readonly where: string | null
  readonly createdColumn: string
  readonly modifiedColumn: string
  /** REST's names of them, for reading them in UTC. */
  readonly createdField: string
  readonly modifiedField: string
  readonly kinds: Readonly<Record<string, FieldKind>>
  readonly columns: Readonly<Record<string, string>>
  /** What is read in a column's place, of the row `t`. */
  readonly expressions: Readonly<Record<string, string>>
  /** Field that holds each reference's id. */
  readonly referenceFields: Readonly<Record<string, string>>
  /** Sent with every create unless the record says otherwise. */
  readonly defaults: Readonly<Record<string, unknown>>
}

const entity = {
  where: null,
  createdColumn: 'datecreated',
  modifiedColumn: 'lastmodifieddate',
  createdField: 'dateCreated',
  modifiedField: 'lastModifiedDate',
  pageSizeMax,
  batchSizeMax,
  createTokenField: tokenField,
  readOnlyFields: ['id', 'externalId', 'dateCreated', 'lastModifiedDate', 'balance'],
}

/** A customer, under the name that all connectors give a company. */
export const company: NetsuiteObject = {
  ...entity,
  name: 'company',
  remoteName: 'customer',
  table: 'customer',
  references: [],
  uniqueFields: ['url'],
  kinds: { email: 'email', altEmail: 'email', url: 'domain', creditLimit: 'number', balance: 'number' },
  columns: {},
  // A person who is a customer has no company name, but a name of the account's making.
  expressions: { companyName: 'NVL(t.companyname, t.entityid)' },
  referenceFields: {},
  // What a customer is by default is a preference of the account.
  defaults: { isPerson: false },
}

export const contact: NetsuiteObject = {
  ...entity,
  name: 'contact',
  remoteName: 'contact',
  table: 'contact',
  references: referencesTo('company'),
  uniqueFields: ['email'],
  kinds: { email: 'email', altEmail: 'email' },
  columns: {},
  expressions: {},
  referenceFields: { company: 'company' },
  defaults: {},
}

export const salesOrder: NetsuiteObject = {
  ...entity,
  name: 'sales_order',
  remoteName: 'salesOrder',
  table: 'transaction',
  where: "t.type = 'SalesOrd'",
  createdColumn: 'createddate',
  createdField: 'createdDate',
  references: referencesTo('company'),
  uniqueFields: ['tranId'],
  readOnlyFields: ['id', 'externalId', 'createdDate', 'lastModifiedDate', 'total', 'subtotal', 'status'],
  kinds: {
    tranDate: 'date',
    shipDate: 'date',
    startDate: 'date',
    endDate: 'date',
    orderStatus: 'choice',
    total: 'number',
    shippingCost: 'number',
    exchangeRate: 'number',
    email: 'email',
  },
  columns: { orderStatus: 'status', total: 'foreigntotal' },
  expressions: {},
  referenceFields: { company: 'entity' },
  defaults: {},
}

export const objects: readonly NetsuiteObject[] = [company, contact, salesOrder]

export const description: ConnectorDescription = {
  id: 'netsuite',
  name: 'NetSuite',
  // Where a person whose account is not known yet is asked; the account's own domain follows from the answer.
  defaultBaseUrl: 'https://system.netsuite.com',
  domains: ['netsuite.com'],
  objects,
  customObjects: { pageSizeMax, batchSizeMax, createTokenField: tokenField },
  // Nothing is counted but what is under way at one time: 5 without any licence for more.
  budgets: [{ name: 'default', windows: [], callsPerDay: null, concurrent: 5 }],
  capabilities: { webhooks: false, conditionalWrites: false, clientTag: false, fieldHistory: false },
  // Each call takes one of few places; a person at work in NetSuite needs them too.
  shortestPollMs: 10_000,
  // The date of change is set when a script or an import writes, and seen when it commits.
  visibilityLagMs: 60_000,
  defaultMapping: [
    mappingOf('company', 'companies', { name: 'companyName', domain: 'url' }, {}, { matchBy: ['domain'] }),
    mappingOf(
      'contact',
      'contacts',
      { email: 'email', first_name: 'firstName', last_name: 'lastName', phone: 'phone', title: 'title' },
      { company_id: 'company' },
      { matchBy: ['email'] },
    ),
    mappingOf(
      'sales_order',
      'sales_orders',
      { number: 'tranId', ordered_on: 'tranDate', status: 'orderStatus', memo: 'memo', lines: linesField },
      { company_id: 'company' },
      // Many a connected role sees customers and no orders.
      { matchBy: ['number'], optional: true },
    ),
  ],
}
