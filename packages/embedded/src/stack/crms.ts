// The simulated CRMs of the stack: one account for each organization, loaded once through the vendor's own
// client, as the person at the CRM who typed it all in.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startSandbox } from '@rowhouse/sandbox'
import type { Sandbox } from '@rowhouse/sandbox'
import type { DemoCrm } from '../demo/crm.ts'
import { connectHubSpot } from '../demo/hubspot.ts'
import { demoOrganizations } from '../demo/people.ts'
import type { DemoOrganization } from '../demo/people.ts'
import { makeDemoRecords } from '../demo/records.ts'
import type { DemoRecords } from '../demo/records.ts'
import { connectSalesforce } from '../demo/salesforce.ts'
import { loadSpareAccount, openSpareAccount } from './spare-account.ts'
import type { SpareAccount } from './spare-account.ts'

export interface StackAccount {
  readonly slug: string
  readonly connector: 'hubspot' | 'salesforce'
  /** The account's id as the provider writes it. */
  readonly account: string
  readonly url: string
  /** A person's token at the CRM: another app than ours, as a real colleague is. */
  readonly personToken: string
  /** Our OAuth app at the provider; it signs webhooks too. */
  readonly app: { readonly clientId: string; readonly clientSecret: string; readonly redirectUri: string }
  readonly records: DemoRecords
  readonly crm: DemoCrm
}

export interface StackCrms {
  readonly url: string
  readonly accounts: readonly StackAccount[]
  /** One more, for an organization that is made later. */
  readonly spare: SpareAccount
  /** Loads the accounts that were never loaded whole; resolves when all are. */
  load(): Promise<void>
  close(): Promise<void>
}

export interface StackCrmsOptions {
  readonly folder: string
  readonly port: number
  /** Where the provider sends people back to. */
  readonly redirectUri: (connector: string) => string
  readonly log: (line: string) => void
}

/** What the providers allow: a HubSpot Professional portal, a Salesforce Enterprise organization of 15 users. */
const CALLS_PER_DAY = { hubspot: 650_000, salesforce: 115_000 }

const COUNTS = { companies: 500, contacts: 5000, deals: 400 }

export async function openCrms(options: StackCrmsOptions): Promise<StackCrms> {
  const sandbox = await startSandbox({
    port: options.port,
    dataFile: join(options.folder, 'sandbox.db'),
    log: options.log,
  })
  const accounts = demoOrganizations.map((organization) => openAccount(sandbox, organization, options))
  const spare = openSpareAccount(sandbox)
  const markFile = join(options.folder, 'loaded.json')
  return {
    url: sandbox.url,
    accounts,
    spare,
    async load() {
      await loadSpareAccount(sandbox)
      const loaded = new Set(await readMarks(markFile))
      await Promise.all(
        accounts.map(async (account) => {
          if (loaded.has(account.slug)) return
          // What a load that was cut off left behind would be doubled by another.
          if ((await account.crm.countContacts()) > 0) await emptyAccount(sandbox.url, account.account)
          await account.crm.load(account.records)
          options.log(
            `loaded ${COUNTS.contacts} contacts, ${COUNTS.companies} companies and ${COUNTS.deals} deals into ${account.connector} ${account.account}`,
          )
          loaded.add(account.slug)
          await writeFile(markFile, JSON.stringify([...loaded].toSorted()))
        }),
      )
    },
    close: () => sandbox.close(),
  }
}

function openAccount(sandbox: Sandbox, organization: DemoOrganization, options: StackCrmsOptions): StackAccount {
  const app = {
    clientId: `rowhouse-demo-${organization.slug}`,
    clientSecret: `rowhouse-demo-secret-of-${organization.slug}`,
    redirectUri: options.redirectUri(organization.connector),
  }
  const created = sandbox.createAccount({
    connector: organization.connector,
    id: organization.account,
    name: organization.name,
    limits: { dailyMax: CALLS_PER_DAY[organization.connector] },
    apps: [{ clientId: app.clientId, clientSecret: app.clientSecret, name: 'Rowhouse', rotateRefreshTokens: true }],
  })
  const access = { url: created.url, accessToken: created.personToken }
  return {
    slug: organization.slug,
    connector: organization.connector,
    account: created.id,
    url: created.url,
    personToken: created.personToken,
    app,
    records: makeDemoRecords(organization.seed, COUNTS),
    crm: organization.connector === 'hubspot' ? connectHubSpot(access) : connectSalesforce(access),
  }
}

async function readMarks(file: string): Promise<string[]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as string[]
  } catch {
    return []
  }
}

async function emptyAccount(sandboxUrl: string, account: string): Promise<void> {
  await fetch(`${sandboxUrl}/_sandbox/reset`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account, records: true }),
  })
}
