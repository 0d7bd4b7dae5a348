// The record types every company has: their fields, sublists and how SuiteQL names them. Data and types
// only; custom fields and records are kept by schema.ts.
// Records: https://system.netsuite.com/help/helpcenter/en_US/APIs/REST_API_Browser/record/v1/2024.2/index.html

export type FieldType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'reference'
  | 'select'
  | 'object'

export interface Field {
  readonly name: string
  readonly title: string
  readonly type: FieldType
  readonly required: boolean
  readonly readOnly: boolean
  readonly custom: boolean
  readonly unique: boolean
  /** References: the record type they lead to. */
  readonly referenceTo?: string
  /** Selects: ids and names. */
  readonly options?: readonly { readonly id: string; readonly refName: string }[]
}

export interface Sublist {
  readonly name: string
  readonly fields: readonly Field[]
  /** The field that tells lines apart. */
  readonly key: string
}

export interface RecordType {
  readonly name: string
  readonly title: string
  /** Types that share one table of SuiteQL, one sequence of ids: entities, transactions, items. */
  readonly kind: 'entity' | 'transaction' | 'item' | 'list' | 'custom'
  /** The table of SuiteQL. */
  readonly table: string
  readonly writable: boolean
  readonly fields: readonly Field[]
  readonly sublists: readonly Sublist[]
  readonly custom: boolean
}

/** A text may be this long unless the field says otherwise. */
export const textLengthMax = 4000

// name:type — '!' only NetSuite writes, '*' required, '>type' for references, '=a|b' for selects.
const entityCommon = `id:string! externalId:string entityId:string dateCreated:datetime! lastModifiedDate:datetime!
isInactive:boolean email:string phone:string comments:string subsidiary:reference>subsidiary`
const written: Readonly<
  Record<
    string,
    { title: string; kind: RecordType['kind']; table: string; fields: string; sublists?: Record<string, string> }
  >
> = {
  customer: {
    title: 'Customer',
    kind: 'entity',
    table: 'customer',
    fields: `${entityCommon} isPerson:boolean companyName:string firstName:string middleName:string lastName:string
salutation:string title:string altPhone:string fax:string mobilePhone:string homePhone:string altEmail:string
url:string accountNumber:string creditLimit:number balance:number! startDate:date currency:reference>currency
salesRep:reference>employee parent:reference>customer entityStatus:select=13|Customer-Closed_Won,7|Lead-Qualified,10|Prospect-Proposal
category:select=1|Corporate,2|Individual priceLevel:select=1|Base_Price,5|Online_Price taxable:boolean
vatRegNumber:string language:select=en_US|English_(U.S.),de_DE|German`,
    sublists: {
      addressBook:
        'internalId:integer! label:string defaultBilling:boolean defaultShipping:boolean isResidential:boolean addressBookAddress:object',
    },
  },
  contact: {
    title: 'Contact',
    kind: 'entity',
    table: 'contact',
    fields: `${entityCommon} firstName:string middleName:string lastName:string salutation:string title:string
officePhone:string mobilePhone:string homePhone:string fax:string altEmail:string company:reference>customer
contactRole:select=-10|Primary_Contact supervisor:reference>contact`,
  },
  employee: {
    title: 'Employee',
    kind: 'entity',
    table: 'employee',
    fields: `${entityCommon} firstName:string lastName:string*`,
  },
  salesOrder: {
    title: 'Sales Order',
    kind: 'transaction',
    table: 'transaction',
    fields: `id:string! externalId:string tranId:string createdDate:datetime! lastModifiedDate:datetime! tranDate:date
entity:reference*>customer memo:string otherRefNum:string email:string shipDate:date startDate:date endDate:date
status:select!=A|Pending_Approval,B|Pending_Fulfillment,C|Closed,G|Billed
orderStatus:select=A|Pending_Approval,B|Pending_Fulfillment,C|Closed,G|Billed currency:reference>currency exchangeRate:number
subsidiary:reference>subsidiary salesRep:reference>employee total:number! subtotal:number! shippingCost:number
toBeEmailed:boolean shipComplete:boolean`,
    sublists: {
      item: `line:integer item:reference*>inventoryItem description:string quantity:number rate:number amount:number
isClosed:boolean price:select=-1|Custom,1|Base_Price`,
    },
  },
  inventoryItem: {
    title: 'Inventory Item',
    kind: 'item',
    table: 'item',
    fields: `id:string! externalId:string itemId:string* displayName:string salesDescription:string isInactive:boolean
createdDate:datetime! lastModifiedDate:datetime! basePrice:number upcCode:string`,
  },
  subsidiary: {
    title: 'Subsidiary',
    kind: 'list',
    table: 'subsidiary',
    fields: 'id:string! name:string! isInactive:boolean!',
  },
  currency: {
    title: 'Currency',
    kind: 'list',
    table: 'currency',
    fields: 'id:string! name:string! symbol:string! exchangeRate:number!',
  },
}

/** What comes with a company: one subsidiary, one currency, one person. */
export const planted: readonly {
  readonly type: string
  readonly id: string
  readonly values: Record<string, unknown>
}[] = [
  { type: 'subsidiary', id: '1', values: { name: 'Parent Company', isInactive: false } },
  { type: 'currency', id: '1', values: { name: 'US Dollar', symbol: 'USD', exchangeRate: 1 } },
  { type: 'employee', id: '-5', values: { entityId: 'Sandbox Admin', firstName: 'Sandbox', lastName: 'Admin' } },
]

const readOnlyTypes = new Set(['subsidiary', 'currency', 'employee'])

export function standardTypes(): RecordType[] {
  return Object.entries(written).map(([name, { title, kind, table, fields, sublists = {} }]) => ({
    name,
    title,
    kind,
    table,
    writable: !readOnlyTypes.has(name),
    fields: parseFields(fields),
    sublists: Object.entries(sublists).map(([sublist, text]) => ({
      name: sublist,
      fields: parseFields(text),
      key: sublist === 'addressBook' ? 'internalId' : 'line',
    })),
    custom: false,
  }))
}

/** The type of a custom record: a name, an external id, and the fields that were added. */
export function customType(name: string, title: string): RecordType {
  const fields = parseFields(
    'id:string! externalId:string name:string isInactive:boolean created:datetime! lastModified:datetime!',
  )
  return { name, title, kind: 'custom', table: name, writable: true, fields, sublists: [], custom: true }
}

function parseFields(text: string): Field[] {
  return text.split(/\s+/).map((field) => parseField(field))
}

function parseField(text: string): Field {
  const match = /^(\w+):(\w+)(!)?(\*)?(?:>(\w+))?(?:=(.+))?$/.exec(text)
  if (!match) throw new Error(`The field ${text} is not written as it should be.`)
  const [, name = '', type, readOnly, required, referenceTo, options] = match
  return {
    name,
    title: name.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/^./, (first) => first.toUpperCase()),
    type: type as FieldType,
    required: required !== undefined,
    readOnly: readOnly !== undefined,
    custom: false,
    unique: false,
    ...(referenceTo === undefined ? {} : { referenceTo }),
    ...(options === undefined ? {} : { options: parseOptions(options) }),
  }
}

function parseOptions(text: string): { id: string; refName: string }[] {
  return text.split(',').map((option) => {
    const [id = '', refName = ''] = option.split('|')
    return { id, refName: refName.replaceAll('_', ' ') }
  })
}
