// `rowhouse key …`: the keys that credentials are sealed with. Nothing here shows a key; ids say which is which.
import { RowhouseError } from '@rowhouse/contracts'
import { loginUrl } from '@rowhouse/database'
import type { Keys, ListedKeys, MovedStore, Rotated, StoreUse } from '@rowhouse/sync'
import type { Command } from 'commander'
import { asMigrator } from '../as-migrator.ts'
import { requireUrl } from '../environment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { requireSigningKey } from '../signing-key.ts'

interface KeyOptions {
  readonly json?: boolean
}

interface RotateOptions extends KeyOptions {
  readonly organization?: string
  readonly allOrganizations?: boolean
  readonly product?: boolean
}

const environment = `
Environment: ROWHOUSE_URL, ROWHOUSE_SIGNING_KEY, ROWHOUSE_ENCRYPTION_KEY and, while it changes,
ROWHOUSE_ENCRYPTION_KEY_PREVIOUS; ROWHOUSE_CREDENTIAL_STORE and what goes with it (docs/credentials.md).`

export function addKeyCommands(key: Command): void {
  key
    .command('list')
    .description('every data key, which encryption key wraps it, and how much is sealed with it')
    .option('--json', 'print JSON')
    .addHelpText('after', environment)
    .action((options: KeyOptions) =>
      withKeys(async (keys) => {
        const listed = await keys.list()
        // What nobody here can unwrap is a problem; what was destroyed is meant to be gone.
        if (listed.dataKeys.some(({ state, usable }) => state !== 'destroyed' && !usable)) process.exitCode = 1
        makePrinter(options.json === true).print(listed, () => renderKeys(listed))
      }),
    )

  key
    .command('rotate')
    .description('wrap every data key with the current encryption key; or, with an option, give new data keys')
    .option('--organization <name>', 'a new data key for this organization, by slug or id')
    .option('--all-organizations', 'a new data key for each organization')
    .option('--product', 'a new data key for the product’s own secrets')
    .option('--json', 'print JSON')
    .addHelpText('after', environment)
    .action((options: RotateOptions) =>
      withKeys((keys) =>
        options.organization === undefined && options.allOrganizations !== true && options.product !== true
          ? rewrap(keys, options)
          : rotate(keys, options),
      ),
    )

  key
    .command('move-store')
    .description('move credentials from wherever they rest into the store of ROWHOUSE_CREDENTIAL_STORE')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Set the variables of both stores here, in every server and in every worker, restart those, and then run this. It can be
cut off at any moment and run again; workers go on meanwhile.${environment}`,
    )
    .action((options: KeyOptions) =>
      withKeys(async (keys) => {
        const moved = await keys.moveStore()
        if (moved.unreadable.length > 0) process.exitCode = 1
        makePrinter(options.json === true).print(moved, () => renderMoved(moved))
      }),
    )
}

function renderMoved({ to, moved, unreadable, toErase }: MovedStore): string {
  return [
    `Moved the credentials of ${moved} ${moved === 1 ? 'connection' : 'connections'} to ${to}.`,
    ...unreadable.map((id) => `  ${id} cannot be read and stays where it was`),
    ...(toErase === 0 ? [] : [`${toErase} left behind could not be erased yet; a worker does it.`]),
  ].join('\n')
}

async function rewrap(keys: Keys, options: RotateOptions): Promise<void> {
  const done = await keys.rewrap()
  if (done.unknown.length > 0) process.exitCode = 1
  makePrinter(options.json === true).print(done, () =>
    [
      `Wrapped ${done.rewrapped} data keys with the current encryption key.`,
      ...done.unknown.map((id) => `  ${id} is wrapped by a key that is not set: see rowhouse key list`),
    ].join('\n'),
  )
}

async function rotate(keys: Keys, options: RotateOptions): Promise<void> {
  const { dataKeys } = await keys.list()
  const organizations =
    options.organization !== undefined
      ? [await findOrganization(options.organization)]
      : options.allOrganizations === true
        ? dataKeys.flatMap(({ organizationId, state }) =>
            organizationId === null || state !== 'current' ? [] : [organizationId],
          )
        : []
  const rotated: Rotated[] = []
  for (const id of options.product === true ? [null, ...organizations] : organizations)
    rotated.push(await keys.rotate(id))
  if (rotated.some(({ unreadable }) => unreadable.length > 0)) process.exitCode = 1
  makePrinter(options.json === true).print(rotated, () =>
    rotated
      .flatMap(({ organizationId, keyId, resealed, unreadable }) => [
        `${organizationId ?? 'the product'}: ${resealed} sealed with ${keyId}`,
        ...unreadable.map((id) => `  ${id} cannot be read and stays as it was`),
      ])
      .join('\n'),
  )
}

async function findOrganization(name: string): Promise<string> {
  const [found] = await asMigrator<{ id: string }>(
    'select id from rowhouse.organizations where slug = $1 or id::text = $1',
    [name],
  )
  if (found === undefined) throw new RowhouseError('organization_not_found', `There is no organization ${name}.`)
  return found.id
}

async function withKeys(use: (keys: Keys) => Promise<void>): Promise<void> {
  const { openKeys } = await import('@rowhouse/sync')
  const { readCredentialConfig } = await import('@rowhouse/server')
  const keys = openKeys({
    ...readCredentialConfig(process.env),
    controlUrl: loginUrl(requireUrl(process.env), 'rowhouse_control', requireSigningKey(process.env)),
  })
  try {
    await use(keys)
  } finally {
    await keys.close()
  }
}

const renderStore = ({ store, connections, current, toErase }: StoreUse): string =>
  `store ${store}: ${connections} ${connections === 1 ? 'connection' : 'connections'}${current ? ', written to' : ''}${toErase === 0 ? '' : `, ${toErase} to erase`}`

function renderKeys({ encryptionKeys, dataKeys, stores }: ListedKeys): string {
  return [
    ...stores.map(renderStore),
    ...encryptionKeys.map(({ id, current }) => `encryption key ${id}: ${current ? 'current' : 'previous'}`),
    renderTable(
      ['data key', 'of', 'state', 'wrapped by', 'values'],
      dataKeys.map(({ id, organizationId, organization, state, usable, values, wrappedBy }) => [
        id,
        organizationId === null ? 'the product' : (organization ?? organizationId),
        state,
        wrappedBy === null ? '–' : `${wrappedBy}${usable ? '' : ' (not set)'}`,
        String(values),
      ]),
    ),
  ].join('\n')
}
