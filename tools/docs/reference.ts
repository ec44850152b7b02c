import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Application,
  type Context,
  Converter,
  type DeclarationReflection,
  MinimalSourceFile,
  normalizePath,
  type ProjectReflection,
} from 'typedoc';
import { brokenLinks } from './broken-links.ts';
import { type EntryPoint, entryPoints, ROOT } from './entry-points.ts';

// Builds the reference from the declarations in dist, and adds the pages of docs/. A warning fails the build.
const OUT = join(ROOT, 'reference');
const entries = entryPoints();
const modules = new Map(entries.map((entry) => [join(ROOT, entry.folder, entry.types), entry]));
const app = await Application.bootstrap({
  name: 'Credence',
  tsconfig: join(import.meta.dirname, 'tsconfig.declarations.json'),
  basePath: ROOT,
  entryPoints: [...modules.keys()],
  readme: join(ROOT, 'README.md'),
  projectDocuments: ['docs/*.md', 'examples/README.md', '{CONTRIBUTING,SECURITY}.md'].map((page) => join(ROOT, page)),
  packagesRequiringDocumentation: [...new Set(entries.map(({ specifier }) => packageOf(specifier)))],
  excludePrivate: true,
  excludeInternal: true,
  excludeExternals: true,
  disableSources: true,
  skipErrorChecking: true,
  ignoredHighlightLanguages: ['mermaid', 'diff'],
  validation: { notExported: false, invalidLink: true, invalidPath: true, notDocumented: false, rewrittenLink: true },
});
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context: Context) => addReadmes(context.project));

const found = (app.getEntryPoints() ?? []).map((entryPoint) => ({
  ...entryPoint,
  displayName: modules.get(entryPoint.sourceFile.fileName)?.specifier ?? entryPoint.displayName,
}));
const project = app.converter.convert(found);
app.validate(project);
await app.generateDocs(project, OUT);
for (const link of brokenLinks(writtenFiles())) app.logger.error(link);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;

/** The files of the built reference by their path, with the text of the HTML files. */
function writtenFiles(): Map<string, string> {
  const paths = readdirSync(OUT, { recursive: true, encoding: 'utf8' });
  return new Map(paths.map((path) => [path, path.endsWith('.html') ? readFileSync(join(OUT, path), 'utf8') : '']));
}

/** `@credence/core` of `@credence/core/opentelemetry`. */
function packageOf(specifier: string): string {
  return specifier.split('/').slice(0, 2).join('/');
}

/** Adds the README of each package to the page of its root entry point. Links to the package lead to that page. */
function addReadmes(project: ProjectReflection): void {
  for (const module of project.children ?? []) {
    const entry = entries.find(({ specifier }) => specifier === module.name);
    if (entry !== undefined && entry.specifier === packageOf(entry.specifier)) addReadme(project, module, entry);
  }
}

function addReadme(project: ProjectReflection, module: DeclarationReflection, { folder }: EntryPoint): void {
  const path = join(ROOT, folder, 'README.md');
  if (!existsSync(path)) throw new Error(`${folder} has no README.md`);
  project.files.registerReflectionPath(normalizePath(path), module);
  project.files.registerReflectionPath(normalizePath(join(ROOT, folder)), module);
  const file = new MinimalSourceFile(readFileSync(path, 'utf8'), normalizePath(path));
  module.readme = app.converter.parseRawComment(file, project.files).content;
}
