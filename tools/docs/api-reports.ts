import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  type ExtractorMessage,
  ExtractorLogLevel,
  type IExtractorMessagesConfig,
} from '@microsoft/api-extractor';
import { type EntryPoint, ROOT } from './entry-points.ts';

/** The compiler options for reading declarations. The reference uses the same. */
const TSCONFIG = join(import.meta.dirname, 'tsconfig.declarations.json');

/**
 * Every message of api-extractor is an error, with the exceptions below. Examples are an export or a member without a docstring
 * (`ae-undocumented`), and a type that a signature uses but that no entry point exports (`ae-forgotten-export`).
 */
const MESSAGES: IExtractorMessagesConfig = {
  compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
  extractorMessageReporting: {
    default: { logLevel: ExtractorLogLevel.Error },
    // TypeDoc checks the links, and supports more kinds of links.
    'ae-unresolved-link': { logLevel: ExtractorLogLevel.None },
    // Release tags such as @beta are not used here.
    'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
    // One dependency publishes its source files as its types.
    'ae-wrong-input-file-type': { logLevel: ExtractorLogLevel.None },
  },
  // Docstrings are plain JSDoc, not the stricter TSDoc.
  tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
};

/** The report of one entry point, and the faults of its public surface. */
export interface ApiReport {
  readonly name: string;
  readonly text: string;
  readonly faults: string[];
}

/** Reads the declarations of all entry points in one program. Returns the report of each entry point as text. */
export function apiReports(entries: EntryPoint[]): ApiReport[] {
  const folder = mkdtempSync(join(tmpdir(), 'api-reports-'));
  const files = entries.map((entry) => join(ROOT, entry.folder, entry.types));
  try {
    let compilerState: CompilerState | undefined;
    const reports = entries.map((entry) => {
      const config = extractorConfig(entry, files, folder);
      compilerState ??= CompilerState.create(config);
      const messages: ExtractorMessage[] = [];
      const messageCallback = (message: ExtractorMessage) => {
        message.handled = true;
        if (message.logLevel === ExtractorLogLevel.Error) messages.push(message);
      };
      Extractor.invoke(config, { compilerState, localBuild: true, messageCallback });
      return { entry, text: readFileSync(join(folder, `${entry.name}.api.md`), 'utf8'), messages };
    });
    return reports.map(({ entry, text, messages }) => {
      const others = reports.filter((other) => other.entry.folder === entry.folder && other.entry !== entry);
      const elsewhere = new Set(others.flatMap((other) => exportedNames(other.text)));
      const faults = messages.filter((message) => !isExportedElsewhere(message, elsewhere)).map(formatted);
      return { name: entry.name, text, faults };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function extractorConfig(entry: EntryPoint, files: string[], folder: string): ExtractorConfig {
  const projectFolder = join(ROOT, entry.folder);
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, 'package.json'),
    configObject: {
      projectFolder,
      mainEntryPointFilePath: join(projectFolder, entry.types),
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { extends: TSCONFIG, files } },
      apiReport: {
        enabled: true,
        reportFileName: entry.name,
        reportFolder: folder,
        reportTempFolder: folder,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: MESSAGES,
    },
  });
}

/** The names that a report exports. */
export function exportedNames(report: string): string[] {
  const declarations = report.matchAll(
    /^export (?:abstract )?(?:class|const|enum|function|interface|type) (?<name>\w+)/gmu,
  );
  const others = report.matchAll(/^export \{ (?<name>\w+) \}/gmu);
  return [...declarations, ...others].map(({ groups }) => groups?.['name'] ?? '');
}

/** Whether the message reports a missing export that another entry point of the same package exports. */
function isExportedElsewhere({ messageId, text }: ExtractorMessage, names: ReadonlySet<string>): boolean {
  return (
    messageId === 'ae-forgotten-export' && names.has(/The symbol "(?<name>\w+)"/u.exec(text)?.groups?.['name'] ?? '')
  );
}

function formatted({ sourceFilePath, sourceFileLine, messageId, text }: ExtractorMessage): string {
  const at = sourceFilePath === undefined ? '' : `${relative(ROOT, sourceFilePath)}:${sourceFileLine ?? 0}: `;
  return `${at}${text} (${messageId})`;
}
