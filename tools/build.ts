// Makes every package publishable: compiles `packages/X/src` to `packages/X/dist` and writes a
// package.json there whose exports name the compiled files. `npm publish packages/X/dist` publishes it.
// Development never needs this: Node runs the sources.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const packages = join(root, 'packages')

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports: Record<string, string>
  readonly bin?: Record<string, string>
  readonly dependencies?: Record<string, string>
  readonly devDependencies?: Record<string, string>
}

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(packages, folder, 'package.json'), 'utf8')) as Manifest

const manifests = new Map(readdirSync(packages).map((folder) => [folder, readManifest(folder)]))
const folderOf = new Map([...manifests].map(([folder, manifest]) => [manifest.name, folder]))

/** Dependencies first. */
function inOrder(): string[] {
  const ordered: string[] = []
  const visit = (folder: string): void => {
    if (ordered.includes(folder)) return
    const manifest = manifests.get(folder) as Manifest
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const dependency = folderOf.get(name)
      if (dependency !== undefined) visit(dependency)
    }
    ordered.push(folder)
  }
  for (const [folder, manifest] of manifests) if (manifest.private !== true) visit(folder)
  return ordered
}

const compiled = (source: string): string => source.replace(/^\.\/src\//, './').replace(/\.ts$/, '.js')

/** What only tests use knows the test runner or the test kit. */
function filesForTests(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) =>
      /from '(vitest|@rowhouse\/testkit)'|fixtures|simulation/.test(`${file}\n${readFileSync(file, 'utf8')}`),
    )
}

function build(folder: string): void {
  const manifest = manifests.get(folder) as Manifest
  const directory = join(packages, folder)
  const dist = join(directory, 'dist')
  const isConsole = folder === 'console'
  if (!isConsole) rmSync(dist, { recursive: true, force: true })
  mkdirSync(dist, { recursive: true })
  const cache = join(root, 'node_modules/.cache/rowhouse-build')
  mkdirSync(cache, { recursive: true })
  const project = join(cache, `tsconfig.${folder}.json`)
  const paths = Object.fromEntries(
    [...folderOf]
      .filter(([name]) => name !== manifest.name)
      .flatMap(([name, other]) =>
        Object.entries(manifests.get(other)?.exports ?? {}).map(([key, source]) => [
          `${name}${key.slice(1)}`,
          [join(packages, other, 'dist', compiled(source).replace(/\.js$/, '.d.ts'))],
        ]),
      ),
  )
  if (isConsole) paths['@rowhouse/console'] = [join(dist, 'assets.d.ts')]
  else if (folderOf.has('@rowhouse/console')) paths['@rowhouse/console'] = [join(packages, 'console/dist/assets.d.ts')]
  writeFileSync(
    project,
    JSON.stringify({
      extends: join(root, 'tsconfig.base.json'),
      compilerOptions: {
        rootDir: join(directory, 'src'),
        outDir: dist,
        declaration: true,
        sourceMap: true,
        noEmit: false,
        paths,
        typeRoots: [join(root, 'node_modules/@types')],
      },
      ...(isConsole
        ? { files: [join(directory, 'src/assets.ts')] }
        : {
            include: [join(directory, 'src')],
            exclude: [join(directory, 'src/**/*.test.ts'), ...filesForTests(join(directory, 'src'))],
          }),
    }),
  )
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { stdio: 'inherit' })
  // Files that are read at run time stand beside the code that reads them.
  if (!isConsole) {
    cpSync(join(directory, 'src'), dist, {
      recursive: true,
      filter: (source) => statSync(source).isDirectory() || /\.(sql|html|css|svg)$/.test(source),
    })
  }
  const { devDependencies: _dropped, ...published } = manifest
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([key, source]) => [
      key,
      { types: compiled(source).replace(/\.js$/, '.d.ts'), default: compiled(source) },
    ]),
  )
  const bin = manifest.bin && Object.fromEntries(Object.keys(manifest.bin).map((name) => [name, `bin/${name}.js`]))
  if (bin !== undefined) {
    mkdirSync(join(dist, 'bin'), { recursive: true })
    for (const [name, source] of Object.entries(manifest.bin ?? {})) {
      const text = readFileSync(join(directory, source), 'utf8').replaceAll(
        /(['"])\.\.\/src\/(.+?)\.ts\1/g,
        '$1../$2.js$1',
      )
      writeFileSync(join(dist, 'bin', `${name}.js`), text, { mode: 0o755 })
    }
  }
  writeFileSync(
    join(dist, 'package.json'),
    `${JSON.stringify({ ...published, exports, ...(bin && { bin }) }, null, 2)}\n`,
  )
  cpSync(join(root, 'LICENSE'), join(dist, 'LICENSE'))
  if (existsSync(join(directory, 'README.md'))) cpSync(join(directory, 'README.md'), join(dist, 'README.md'))
}

async function buildConsoleAssets(): Promise<void> {
  const { buildConsole } = (await import(join(packages, 'console/src/assets.ts'))) as {
    buildConsole: (options: { log: (line: string) => void }) => Promise<unknown>
  }
  await buildConsole({ log: (line) => console.log(line) })
}

await buildConsoleAssets()
for (const folder of inOrder()) {
  build(folder)
  console.log(`built ${(manifests.get(folder) as Manifest).name}`)
}
