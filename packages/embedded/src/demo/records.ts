// Realistic, deterministic records: the same seed gives the same companies and contacts everywhere.
import { Faker, en } from '@faker-js/faker'

export interface DemoCompany {
  readonly name: string
  readonly domain: string
  readonly industry: string
  readonly employees: number
}

export interface DemoContact {
  readonly email: string
  readonly firstName: string
  readonly lastName: string
  readonly phone: string
  readonly title: string
  /** Index into the companies. */
  readonly company: number
}

export interface DemoDeal {
  readonly name: string
  readonly amount: number
  /** How far it is, from 0 to 4: open in four steps, then won. */
  readonly step: number
  /** YYYY-MM-DD */
  readonly closesOn: string
  /** Index into the companies. */
  readonly company: number
}

export interface DemoRecords {
  readonly companies: readonly DemoCompany[]
  readonly contacts: readonly DemoContact[]
  readonly deals: readonly DemoDeal[]
}

const industries = [
  'Banking',
  'Biotechnology',
  'Construction',
  'Education',
  'Energy',
  'Healthcare',
  'Hospitality',
  'Insurance',
  'Manufacturing',
  'Retail',
  'Technology',
  'Transportation',
]

const slugOf = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')

/** Makes the records of one account. E-mail addresses and domains are unique in it, and under `.example`. */
export function makeDemoRecords(
  seed: number,
  counts: { readonly companies: number; readonly contacts: number; readonly deals: number },
): DemoRecords {
  const faker = new Faker({ locale: [en], seed })
  const domains = new Set<string>()
  const companies: DemoCompany[] = []
  while (companies.length < counts.companies) {
    const name = faker.company.name()
    const domain = `${slugOf(name)}.example`
    if (domains.has(domain)) continue
    domains.add(domain)
    companies.push({
      name,
      domain,
      industry: faker.helpers.arrayElement(industries),
      employees: Math.round(faker.number.float({ min: 1, max: 3.7 }) ** 6),
    })
  }
  const emails = new Set<string>()
  const contacts: DemoContact[] = []
  while (contacts.length < counts.contacts) {
    const firstName = faker.person.firstName()
    const lastName = faker.person.lastName()
    // Few companies have many people, most have a few.
    const company = Math.floor(faker.number.float({ min: 0, max: 1 }) ** 2 * companies.length)
    const email = `${slugOf(firstName)}.${slugOf(lastName)}@${(companies[company] as DemoCompany).domain}`
    if (emails.has(email)) continue
    emails.add(email)
    contacts.push({
      email,
      firstName,
      lastName,
      phone: faker.phone.number({ style: 'international' }),
      title: faker.person.jobTitle(),
      company,
    })
  }
  const deals = Array.from({ length: counts.deals }, (): DemoDeal => {
    const company = faker.number.int({ min: 0, max: companies.length - 1 })
    return {
      name: `${faker.commerce.productName()} for ${(companies[company] as DemoCompany).name}`.slice(0, 120),
      amount: faker.number.int({ min: 5, max: 900 }) * 100,
      step: faker.number.int({ min: 0, max: 4 }),
      closesOn: faker.date.between({ from: '2026-01-01', to: '2027-12-31' }).toISOString().slice(0, 10),
      company,
    }
  })
  return { companies, contacts, deals }
}
