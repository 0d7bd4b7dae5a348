// A simulated NetSuite account that no organization is connected to: whoever makes an organization can connect it by a
// click. A few records are in it, so that something is seen to arrive.
import type { Sandbox } from '@rowhouse/sandbox'

export interface SpareAccount {
  readonly connector: 'netsuite'
  /** Where people are asked; they choose the account there. */
  readonly url: string
  readonly app: { readonly clientId: string; readonly clientSecret: string }
}

const id = 'TSTDRV1000000'
const customers = ['Dune Instruments', 'Elbe Optics', 'Fjord Sensors']

export function openSpareAccount(sandbox: Sandbox): SpareAccount {
  const app = { clientId: 'rowhouse-demo-netsuite', clientSecret: 'rowhouse-demo-secret-of-netsuite' }
  sandbox.createAccount({ connector: 'netsuite', id, name: 'Dune Instruments', apps: [{ ...app, name: 'Rowhouse' }] })
  return { connector: 'netsuite', url: sandbox.url, app }
}

/** Once: an account that has customers is left as it is. */
export async function loadSpareAccount(sandbox: Sandbox): Promise<void> {
  const answer = await fetch(`${sandbox.url}/_sandbox/records?account=${id}&object=customer`)
  const { records } = (await answer.json()) as { records: unknown[] }
  if (records.length > 0) return
  const person = sandbox.person(id)
  for (const [index, companyName] of customers.entries()) {
    const domain = `${companyName.split(' ')[0]!.toLowerCase()}.example`
    const customer = person.create('customer', { companyName, url: `https://${domain}` })
    for (const lastName of ['Adler', 'Berg'])
      person.create('contact', {
        firstName: `Kim ${index + 1}`,
        lastName,
        email: `kim.${lastName.toLowerCase()}@${domain}`,
        company: { id: customer },
      })
  }
}
