import { z } from 'zod';

/** The options of jest's global configuration that can exclude tests. */
const globalConfigSchema = z.object({
  testPathPatterns: z.object({ patterns: z.array(z.string()) }),
  testNamePattern: z.string().optional(),
  onlyChanged: z.boolean().optional(),
  onlyFailures: z.boolean().optional(),
  findRelatedTests: z.boolean().optional(),
  runTestsByPath: z.boolean().optional(),
  listTests: z.boolean().optional(),
  collectTests: z.boolean().optional(),
  watch: z.boolean().optional(),
  watchAll: z.boolean().optional(),
  filter: z.string().optional(),
  shard: z.unknown().optional(),
});

const DEFAULT_IGNORED_PATHS = ['/node_modules/'];

/**
 * Whether jest runs all tests: no pattern of paths or names, no watching, no shard. `ignoredPaths` are the
 * `testPathIgnorePatterns`, which the command line can also set.
 */
export function isFullRun(globalConfig: unknown, ignoredPaths: readonly string[] = DEFAULT_IGNORED_PATHS): boolean {
  const config = globalConfigSchema.parse(globalConfig);
  const partial = [
    config.testPathPatterns.patterns.length > 0,
    config.testNamePattern !== undefined && config.testNamePattern !== '',
    config.onlyChanged,
    config.onlyFailures,
    config.findRelatedTests,
    config.runTestsByPath,
    config.listTests,
    config.collectTests,
    config.watch,
    config.watchAll,
    config.filter !== undefined,
    config.shard !== undefined && config.shard !== null,
    ignoredPaths.join('\n') !== DEFAULT_IGNORED_PATHS.join('\n'),
  ];
  return !partial.includes(true);
}
