// Least privilege, read back from the server after every create: what the catalogue says of the home, its login and its
// database, and what the login itself can do when it comes.
import { Client } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { connectionError } from '@rowhouse/database'

import { readCluster } from './clusters/cluster.ts'
import type { FleetContext } from './context.ts'
import type { Home } from './home.ts'

export interface HomeProblem {
  readonly code: string
  readonly object: string
  readonly message: string
  readonly fix: string
}

/**
 * What is not as it must be; empty when all is well. Opens a connection as the login of the home.
 *
 * @throws RowhouseError database_unreachable and what the administrator's connection throws
 */
export async function homeProblems(fleet: FleetContext, home: Home): Promise<HomeProblem[]> {
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  const keep = home.isolation === 'schema'
  // At once: the login's first connection takes as long as all that is read of the catalogue.
  const [problems, problemsOfItsLogin] = await Promise.all([
    fleet.servers.asAdmin(
      cluster,
      home.databaseName,
      async (client) => {
        const { rows } = await client.query<HomeProblem>(
          'select code, object, message, fix from rowhouse.home_problems($1)',
          [home.schemaName],
        )
        return rows
      },
      { keep },
    ),
    problemsOfLogin(fleet, home),
  ])
  return [...problems, ...problemsOfItsLogin]
}

/**
 * Refuses a home that lets in more than its organization.
 *
 * @throws RowhouseError home_unsafe with details.problems, and what homeProblems() throws
 */
export async function verifyHome(fleet: FleetContext, home: Home): Promise<void> {
  const problems = await homeProblems(fleet, home)
  if (problems.length === 0) return
  throw new RowhouseError(
    'home_unsafe',
    `The home ${home.id} is not held to its organization: ${problems[0]?.message ?? ''}${
      problems.length > 1 ? ` And ${problems.length - 1} more.` : ''
    }`,
    { details: { home: home.id, problems } },
  )
}

async function problemsOfLogin(fleet: FleetContext, home: Home): Promise<HomeProblem[]> {
  const cluster = await readCluster(fleet.catalogue, home.cluster)
  const config = await fleet.servers.configFor(cluster, home.databaseName, home.login)
  const client = new Client(config)
  try {
    await client.connect()
    const { rows } = await client.query<{ path: string; schemas: string[]; creates: boolean; temporary: boolean }>(
      `select current_setting('search_path') as path, current_schemas(false)::text[] as schemas,
              has_database_privilege(current_database(), 'create') as creates,
              has_database_privilege(current_database(), 'temporary') as temporary`,
    )
    const { path, schemas, creates, temporary } = rows[0] as (typeof rows)[number]
    const problem = (code: string, message: string, fix: string): HomeProblem => ({
      code,
      object: home.login,
      message,
      fix,
    })
    return [
      ...(schemas.length === 1 && schemas[0] === home.schemaName
        ? []
        : [problem('home_search_path', `${home.login} looks in ${path}.`, 'Drop the home.')]),
      ...(creates ? [problem('home_open', `${home.login} may make schemas.`, 'Revoke CREATE on the database.')] : []),
      ...(temporary
        ? [problem('home_open', `${home.login} may make temporary tables.`, 'Revoke TEMPORARY on the database.')]
        : []),
    ]
  } catch (error) {
    throw connectionError(error, config.connectionString ?? '')
  } finally {
    await client.end()
  }
}
