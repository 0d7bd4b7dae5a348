// `rowhouse org …`, through the API.
import type { Command } from 'commander'
import type { Organization, Placement, PlacementDetail } from '@rowhouse/contracts'
import { openApi } from '../environment.ts'
import { agreed } from '../output/agreed.ts'
import { renderAgo, renderLag } from '../output/moment.ts'
import { plural } from '../output/plural.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { findOrganization, listOrganizations } from './find-organization.ts'
import { addLimitOptions, renderLimits } from './limits.ts'
import type { Limits } from './limits.ts'
import { addLoadCommands } from './organization-load.ts'
import { withNulls } from './quantities.ts'

interface JsonOption {
  readonly json?: boolean
}

export function addOrganizationCommands(org: Command): void {
  org
    .command('create <slug>')
    .description('create an organization')
    .option('--name <name>', 'its name (default: the slug)')
    .option('--plan <plan>', 'its plan')
    .option('--owner <user id>', 'id of the person who becomes its owner')
    .option('--json', 'print JSON')
    .action(async (slug: string, options: JsonOption & { name?: string; plan?: string; owner?: string }) => {
      const created = await openApi(process.env).createOrganization({
        body: {
          slug,
          name: options.name ?? slug,
          ...(options.plan !== undefined && { plan: options.plan }),
          ...(options.owner !== undefined && { ownerId: options.owner }),
        },
      })
      makePrinter(options.json === true).print(created, () =>
        [
          `Created ${created.slug}: ${created.id}`,
          ...(options.owner === undefined
            ? [`It has no member yet. Invite its owner: rowhouse member invite ${created.slug} <e-mail> --role owner`]
            : []),
        ].join('\n'),
      )
    })

  org
    .command('list')
    .description('all organizations')
    .option('--search <text>', 'only those whose name or slug matches')
    .option('--json', 'print JSON')
    .action(async (options: JsonOption & { search?: string }) => {
      const organizations = await listOrganizations(openApi(process.env), options.search)
      makePrinter(options.json === true).print(organizations, () =>
        organizations.length === 0
          ? options.search === undefined
            ? 'No organizations yet. Create one: rowhouse org create acme --name Acme'
            : `No organization matches ${options.search}.`
          : renderTable(
              ['slug', 'plan', 'isolation', 'status', 'crm', 'state', 'records', 'lag', 'id'],
              organizations.map(({ slug, plan, isolation, wantedIsolation, status, connection, id }) => [
                slug,
                plan,
                wantedIsolation === null ? isolation : `${isolation} → ${wantedIsolation}`,
                status,
                connection === null ? '–' : connection.connector,
                connection === null ? '–' : connection.state,
                connection === null ? '–' : String(connection.records),
                connection === null ? '–' : renderLag(connection.lagMs),
                id,
              ]),
            ),
      )
    })

  org
    .command('show <organization>')
    .description('one organization')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const organization = await findOrganization(api, name)
      const placement = await api.getPlacement({ params: { organizationId: organization.id } })
      makePrinter(options.json === true).print({ ...organization, placement }, () =>
        renderOrganization(organization, placement),
      )
    })

  org
    .command('plan <organization> <plan>')
    .description(
      'give an organization another plan: its limits hold at once; it stays where it lives, and show says what is wanted',
    )
    .option('--json', 'print JSON')
    .action(async (name: string, plan: string, options: JsonOption) => {
      const api = openApi(process.env)
      const { id } = await findOrganization(api, name)
      const placement = await api.setOrganizationPlan({ params: { organizationId: id }, body: { plan } })
      makePrinter(options.json === true).print(placement, () =>
        [
          `${placement.slug} has the plan ${placement.plan}, whose limits hold now. It lives in ${renderPlacement(placement)}.`,
          ...(placement.wanted === null ? [] : ['It stays there, and works as before, until it is moved.']),
        ].join('\n'),
      )
    })

  addLimitOptions(
    org
      .command('limit <organization>')
      .description('limits of its own, before those of its plan; none gives way to the plan, nothing named shows them'),
  )
    .option('--json', 'print JSON')
    .action(async (name: string, { json, ...body }: JsonOption & Limits) => {
      const api = openApi(process.env)
      const { id, slug } = await findOrganization(api, name)
      const params = { organizationId: id }
      const limits =
        Object.keys(body).length === 0
          ? await api.getOrganizationLimits({ params })
          : await api.setOrganizationLimits({ params, body: withNulls(body) })
      makePrinter(json === true).print(
        limits,
        () => `${slug}: ${renderLimits(limits.effective)} (of its own: ${renderLimits(limits.own)})`,
      )
    })

  org
    .command('suspend <organization>')
    .description('refuse every request of the organization until it is resumed')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption & { yes?: boolean }) => {
      const api = openApi(process.env)
      const { id: organizationId, slug, members } = await findOrganization(api, name)
      const effects = [
        `Its ${plural(members, 'member')}, its services and its sync are refused from the next request on.`,
        'Its rows stay as they are, and other organizations notice nothing. rowhouse org resume ends it.',
      ]
      if (!(await agreed(`Suspend ${slug}?`, effects, options))) return
      const changed = await api.suspendOrganization({ params: { organizationId } })
      makePrinter(options.json === true).print(
        changed,
        () => `${changed.slug} is ${changed.status}. To end it: rowhouse org resume ${changed.slug}`,
      )
    })

  org
    .command('resume <organization>')
    .description('end the suspension')
    .option('--json', 'print JSON')
    .action(async (name: string, options: JsonOption) => {
      const api = openApi(process.env)
      const params = { organizationId: (await findOrganization(api, name)).id }
      const changed = await api.resumeOrganization({ params })
      makePrinter(options.json === true).print(changed, () => `${changed.slug} is ${changed.status}.`)
    })

  addLoadCommands(org)
}

/** Where it is, and where its plan wants it. */
function renderPlacement({
  isolation,
  cluster,
  region,
  databaseName,
  schemaName,
  state,
  wanted,
  former = [],
}: Placement & Partial<PlacementDetail>): string {
  const place =
    isolation === 'shared'
      ? 'shared tables'
      : isolation === 'schema'
        ? `schema ${schemaName}`
        : `database ${databaseName}`
  const wish =
    wanted === null
      ? ''
      : `; wanted: ${[wanted.isolation, wanted.cluster].filter((word) => word !== null).join(' on ')}`
  const left = former.map(
    (home) =>
      `\n  left ${home.retiredAt}: ${home.login} on ${home.cluster}, kept until ${home.keptUntil}${home.error === null ? '' : ` (${home.error})`}`,
  )
  return `${place} on ${cluster} (${region})${state === 'active' ? '' : `, ${state}`}${wish}${left.join('')}`
}

function renderOrganization(
  { id, slug, name, plan, isolation, status, members, connection, createdAt }: Organization,
  placement: PlacementDetail,
): string {
  const crm =
    connection === null
      ? `none; connect one: rowhouse connection add ${slug} --connector hubspot`
      : `${connection.connector} ${connection.account}, ${connection.state}${connection.stateReason === null ? '' : ` (${connection.stateReason})`}, ${plural(connection.records, 'record')}, ${connection.lagMs === 0 ? 'in step' : `${renderLag(connection.lagMs)} behind`}`
  return [
    `${name} (${slug})`,
    `  id         ${id}`,
    `  plan       ${plan}`,
    `  isolation  ${isolation}`,
    `  home       ${renderPlacement(placement)}`,
    `  status     ${status}`,
    `  members    ${members}`,
    `  CRM        ${crm}`,
    `  created    ${renderAgo(createdAt, Date.now())}`,
  ].join('\n')
}
