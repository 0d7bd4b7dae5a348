// The objects and fields every organization has, and what a field is. Custom ones are kept by schema.ts
// and fields.ts. Data and types only; must not look at records.
// https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_contact.htm

export type FieldType =
  | 'id'
  | 'string'
  | 'textarea'
  | 'email'
  | 'phone'
  | 'url'
  | 'picklist'
  | 'reference'
  | 'boolean'
  | 'int'
  | 'double'
  | 'currency'
  | 'date'
  | 'datetime'

export interface Field {
  readonly name: string
  readonly label: string
  readonly type: FieldType
  readonly length: number
  /** Whether a client may set it when creating, and later. */
  readonly writable: boolean
  /** Set when a record is made, and never again. */
  readonly fixed: boolean
  /** Taken when a client sets none. */
  readonly default: string | null
  readonly required: boolean
  readonly custom: boolean
  readonly externalId: boolean
  readonly unique: boolean
  /** Picklists: their values, and whether others are refused. */
  readonly options: readonly string[]
  readonly restricted: boolean
  /** References: the objects they may lead to and the name of the way there. */
  readonly referenceTo?: readonly ObjectName[]
  readonly relationshipName?: string
}

/** As the API writes it: Contact, Machine__c. */
export type ObjectName = string

/** Objects that take no custom field. */
const withoutCustomFields: ReadonlySet<ObjectName> = new Set(['User', 'Note'])
export const takesCustomFields = (object: ObjectName): boolean => !withoutCustomFields.has(object)

export interface ObjectFacts {
  readonly name: ObjectName
  readonly label: string
  readonly plural: string
  readonly prefix: string
  readonly writable: boolean
  readonly custom: boolean
}

const standard = (name: string, plural: string, prefix: string, writable = true): ObjectFacts => ({
  name,
  label: name,
  plural,
  prefix,
  writable,
  custom: false,
})

export const standardObjects: readonly ObjectFacts[] = [
  standard('Account', 'Accounts', '001'),
  standard('Contact', 'Contacts', '003'),
  standard('Opportunity', 'Opportunities', '006'),
  standard('Task', 'Tasks', '00T'),
  standard('Note', 'Notes', '002'),
  standard('User', 'Users', '005', false),
]

// name:type[:length][!][^][*][>Object|Object.Relationship][=value|value][?value] — '!' only Salesforce writes,
// '^' set once, '*' required, '?' taken when none is given.
// A picklist's values are not enforced unless it is restricted: standard ones are not.
const system = `Id:id:18! IsDeleted:boolean! CreatedDate:datetime! CreatedById:reference!>User.CreatedBy
LastModifiedDate:datetime! LastModifiedById:reference!>User.LastModifiedBy SystemModstamp:datetime!`
const own: Readonly<Record<string, string>> = {
  Account: `MasterRecordId:reference!>Account.MasterRecord Name:string:255* Type:picklist:255
ParentId:reference>Account.Parent BillingStreet:textarea:255 BillingCity:string:40 BillingState:string:80
BillingPostalCode:string:20 BillingCountry:string:80 ShippingStreet:textarea:255 ShippingCity:string:40
ShippingState:string:80 ShippingPostalCode:string:20 ShippingCountry:string:80 Phone:phone:40 Fax:phone:40
AccountNumber:string:40 Website:url:255 Sic:string:20 Industry:picklist:255 AnnualRevenue:currency
NumberOfEmployees:int Ownership:picklist:255 TickerSymbol:string:20 Description:textarea:32000 Rating:picklist:255
Site:string:80 OwnerId:reference>User.Owner AccountSource:picklist:255`,
  Contact: `MasterRecordId:reference!>Contact.MasterRecord AccountId:reference>Account.Account LastName:string:80*
FirstName:string:40 Salutation:picklist:40 Name:string:121! OtherStreet:textarea:255 OtherCity:string:40
OtherState:string:80 OtherPostalCode:string:20 OtherCountry:string:80 MailingStreet:textarea:255 MailingCity:string:40
MailingState:string:80 MailingPostalCode:string:20 MailingCountry:string:80 Phone:phone:40 Fax:phone:40
MobilePhone:phone:40 HomePhone:phone:40 OtherPhone:phone:40 AssistantPhone:phone:40
ReportsToId:reference>Contact.ReportsTo Email:email:80 Title:string:128 Department:string:80
AssistantName:string:40 LeadSource:picklist:255 Birthdate:date Description:textarea:32000 OwnerId:reference>User.Owner
HasOptedOutOfEmail:boolean DoNotCall:boolean`,
  Opportunity: `AccountId:reference>Account.Account Name:string:120* Description:textarea:32000
StageName:picklist:255*=Prospecting|Qualification|Proposal/Price_Quote|Negotiation/Review|Closed_Won|Closed_Lost
Amount:currency Probability:double CloseDate:date* Type:picklist:255 NextStep:string:255 LeadSource:picklist:255
IsClosed:boolean! IsWon:boolean! ForecastCategoryName:picklist:255 CampaignId:string:18 ContactId:reference>Contact.Contact
OwnerId:reference>User.Owner`,
  Task: `WhoId:reference>Contact.Who WhatId:reference>Account|Opportunity.What Subject:string:255 ActivityDate:date
Status:picklist:255*=Not_Started|In_Progress|Completed|Waiting_on_someone_else|Deferred?Not_Started
Priority:picklist:255*=High|Normal|Low?Normal IsClosed:boolean! Description:textarea:32000 TaskSubtype:picklist:40
CallDurationInSeconds:int OwnerId:reference>User.Owner`,
  Note: `ParentId:reference^*>Account|Contact|Opportunity.Parent Title:string:80* IsPrivate:boolean Body:textarea:32000
OwnerId:reference>User.Owner`,
  User: `Username:string:80! Name:string:121! FirstName:string:40! LastName:string:80! Email:email:128! IsActive:boolean!`,
}

const customObjectFields = 'OwnerId:reference>User.Owner Name:string:80'

/** The fields every organization has, in the order of describe. */
export function standardFields(object: ObjectName): Field[] {
  return `${system} ${own[object] ?? customObjectFields}`.split(/\s+/).map((text) => parseField(text))
}

export const defaultLengths: Readonly<Record<FieldType, number>> = {
  id: 18,
  string: 255,
  textarea: 255,
  email: 80,
  phone: 40,
  url: 255,
  picklist: 255,
  reference: 18,
  boolean: 0,
  int: 0,
  double: 0,
  currency: 0,
  date: 0,
  datetime: 0,
}

function parseField(text: string): Field {
  const match = /^(\w+):(\w+)(?::(\d+))?(!)?(\^)?(\*)?(?:>([\w|]+)\.(\w+))?(?:=([^?]+))?(?:\?(.+))?$/.exec(text)
  if (!match) throw new Error(`The field ${text} is not written as it should be.`)
  const [, name = '', type, length, readOnly, fixed, required, referenceTo, relationshipName, options, given] = match
  const fieldType = type as FieldType
  return {
    name,
    label: name.replace(/([a-z])([A-Z])/g, '$1 $2'),
    type: fieldType,
    length: length === undefined ? defaultLengths[fieldType] : Number(length),
    writable: readOnly === undefined,
    fixed: fixed !== undefined,
    default: given?.replaceAll('_', ' ') ?? null,
    required: required !== undefined,
    custom: false,
    externalId: false,
    unique: false,
    options: options?.split('|').map((value) => value.replaceAll('_', ' ')) ?? [],
    restricted: false,
    ...(referenceTo === undefined ? {} : { referenceTo: referenceTo.split('|'), relationshipName: relationshipName! }),
  }
}
