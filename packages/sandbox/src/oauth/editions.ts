// What an edition of a CRM allows: requests a day, requests at once, lifetimes of tokens. Owns the numbers
// and where they come from; counting is in the CRM's own folder.
// HubSpot: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
// Salesforce: https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
// NetSuite: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1500275531.html
import { RowhouseError } from '@rowhouse/contracts'
import type { Account, Connector } from './account.ts'

interface Edition {
  /** Requests a day. Infinity where the CRM counts none. */
  readonly dailyMax: number
  /** Requests a day that every licensed user adds. */
  readonly dailyPerUser: number
  /** NetSuite: requests at once. */
  readonly concurrencyMax: number
}

const edition = (dailyMax: number, dailyPerUser = 0, concurrencyMax = Infinity): Edition => ({
  dailyMax,
  dailyPerUser,
  concurrencyMax,
})

const editions: Readonly<Record<Connector, Readonly<Record<string, Edition>>>> = {
  hubspot: { professional: edition(650_000), free: edition(250_000), enterprise: edition(1_000_000) },
  salesforce: {
    enterprise: edition(100_000, 1000),
    developer: edition(15_000),
    professional: edition(100_000, 1000),
    unlimited: edition(100_000, 5000),
  },
  netsuite: {
    base: edition(Infinity, 0, 5),
    tier1: edition(Infinity, 0, 15),
    tier2: edition(Infinity, 0, 25),
    tier3: edition(Infinity, 0, 35),
    tier4: edition(Infinity, 0, 45),
    tier5: edition(Infinity, 0, 55),
  },
}

/** Requests at once that one SuiteCloud Plus licence adds. */
const concurrencyPerLicence = 10

const accessTokenLifetimes = { hubspot: 1_800_000, salesforce: 7_200_000, netsuite: 3_600_000 }

/** The edition by name, or the CRM's first one. Throws `invalid_option`. */
export function editionOf(connector: Connector, name: string | undefined): string {
  const known = Object.keys(editions[connector])
  if (name === undefined) return known[0]!
  if (known.includes(name)) return name
  throw new RowhouseError('invalid_option', `${connector} has no edition ${name}: use one of ${known.join(', ')}.`)
}

function boughtBy(account: Account): Edition {
  return editions[account.connector][account.edition]!
}

/** Requests a day an account may make. */
export function dailyMax(account: Account): number {
  const { dailyMax: base, dailyPerUser } = boughtBy(account)
  return account.limits.dailyMax ?? base + dailyPerUser * account.users
}

/** NetSuite: requests an account may have under way. */
export function concurrencyMax(account: Account): number {
  return (
    account.limits.concurrencyMax ?? boughtBy(account).concurrencyMax + concurrencyPerLicence * account.suiteCloudPlus
  )
}

/** How long an access token of this account lives, in milliseconds. */
export function accessTokenLifetimeMs(account: Account): number {
  return account.limits.accessTokenLifetimeMs ?? accessTokenLifetimes[account.connector]
}
