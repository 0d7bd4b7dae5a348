import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { openConsole } from './files.ts'

const folders: string[] = []
afterEach(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true }))))

async function site(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rowhouse-site-'))
  folders.push(folder)
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), '<script src="/assets/a-1.js"></script>')
  await writeFile(join(folder, 'assets/a-1.js'), 'first()')
  return folder
}

it('goes on serving one whole console when another build replaces the folder', async () => {
  const folder = await site()
  const files = await openConsole(folder)
  await rm(join(folder, 'assets/a-1.js'))
  await writeFile(join(folder, 'assets/b-2.js'), 'second()')
  await writeFile(join(folder, 'index.html'), '<script src="/assets/b-2.js"></script>')
  expect(await files?.answer('/organizations/x', new Headers())?.text()).toContain('a-1.js')
  expect(await files?.answer('/assets/a-1.js', new Headers())?.text()).toBe('first()')
  expect(files?.answer('/assets/b-2.js', new Headers())).toBeNull()
})

it('answers a page for a path, nothing for a missing file, and 304 to who has it', async () => {
  const files = await openConsole(await site())
  const page = files?.answer('/', new Headers())
  expect(page?.headers.get('content-type')).toContain('text/html')
  expect(files?.answer('/index.html', new Headers())?.headers.get('etag')).toBe(page?.headers.get('etag'))
  expect(files?.answer('/logo.png', new Headers())).toBeNull()
  const known = new Headers({ 'if-none-match': page?.headers.get('etag') ?? '' })
  expect(files?.answer('/anything', known)?.status).toBe(304)
})
