// npm run new:connector -- <name>: makes the folder of a connector from packages/connectors/template and lists it. The
// template is compiled and linted where it stands, so what is made from it compiles and passes the linter as well.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const root = join(import.meta.dirname, '..')
const connectors = join(root, 'packages/connectors')
const template = join(connectors, 'template')

const [name = '', ...others] = process.argv.slice(2)
if (others.length > 0 || !/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name) || name.length > 40)
  refuse(
    `A connector is named like a folder, in lower case: pipedrive, zoho-crm. Not: ${process.argv.slice(2).join(' ') || 'nothing'}`,
  )
if (name === 'kit' || name === 'generated' || name === 'template') refuse(`${name} is a folder of the kit's own.`)
const folder = join(connectors, 'src', name)
if (existsSync(folder)) refuse(`There is a folder ${relative(root, folder)} already.`)

const title = name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => ` ${letter.toUpperCase()}`).trim()
const type = title.replaceAll(' ', '')
const variable = type.charAt(0).toLowerCase() + type.slice(1)

mkdirSync(folder)
for (const file of readdirSync(template)) {
  const text = readFileSync(join(template, file), 'utf8')
    .replaceAll("'../src/kit/", "'../kit/")
    .replaceAll('TemplateObject', `${type}Object`)
    .replaceAll('Template', title)
    .replaceAll("'template'", `'${name}'`)
    .replaceAll('template.example', `${name}.example`)
    .replaceAll(/\btemplate\b/g, variable)
  writeFileSync(join(folder, file.replace('template', name)), text)
}
// Another name makes other lines.
execFileSync(join(root, 'node_modules/.bin/oxfmt'), [folder], { cwd: root, stdio: 'pipe' })
execFileSync(process.execPath, [join(import.meta.dirname, 'generate.ts')], { cwd: root, stdio: 'inherit' })
console.log(`Made ${relative(root, folder)}. What is to be filled in:

  npx vitest run ${relative(root, folder)}

See docs/connectors.md, "Add a connector".`)

function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}
