import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from './command.ts';
import { installedVersion, type PackedPackage, ROOT } from './pack.ts';

/** A new project that installs Credence packages and compiles programs in `projects/`. */
export interface Project {
  readonly name: string;
  /** The programs, without `.ts`. Default: the one with the name of the project. */
  readonly programs?: readonly string[];
  /** The entry points that it uses, each with some names that it must export. */
  readonly entries: Readonly<Record<string, readonly string[]>>;
  /** Other packages to install, with exact versions. If npm has to choose versions of peers, it takes minutes. */
  readonly others: readonly string[];
  /** All Credence packages that must be installed in the end. */
  readonly installed: readonly string[];
  /** Packages that must not be installed, because only another role or entry point needs them. */
  readonly absent: readonly string[];
  /** Whether the compiler also checks the declarations of dependencies (`skipLibCheck: false`). */
  readonly checksDeclarations: boolean;
}

/** TypeScript is not listed: the tests use the compiler of this repository. */
const TYPES = ['@types/node'];
const OIDC_PROVIDER = ['oidc-provider', '@types/oidc-provider'];
const BOT = ['@credence/core', 'oauth4webapi', 'p-retry'];

export const PROJECTS: readonly Project[] = [
  {
    name: 'application',
    programs: ['application', 'agents'],
    entries: {
      '@credence/core': ['ServicePrincipal', 'CredenceError', 'privateKeyJwt', 'clientSecret', 'ownToken'],
      '@credence/core/opentelemetry': ['openTelemetry'],
      '@credence/sdk-adapter': ['connectMcp', 'emaCapabilities', 'mcpAuthProvider', 'mcpServersConfig', 'mcpTransport'],
      '@credence/sdk-adapter/v2': [
        'connectMcp',
        'emaCapabilities',
        'mcpAuthProvider',
        'mcpServersConfig',
        'mcpTransport',
      ],
      '@credence/langchain': [
        'accessMiddleware',
        'loadTools',
        'mcpConnections',
        'principalPool',
        'refusalOf',
        'ServicePrincipal',
        'stepUpAnswer',
        'stepUpInterruptIn',
        'toolOrigin',
      ],
    },
    others: [
      '@langchain/core',
      '@langchain/langgraph',
      '@langchain/langgraph-checkpoint',
      '@langchain/mcp-adapters',
      '@modelcontextprotocol/client',
      '@modelcontextprotocol/sdk',
      '@opentelemetry/api',
      'langchain',
      'zod',
      ...TYPES,
    ],
    installed: ['@credence/core', '@credence/langchain', '@credence/protocol', '@credence/sdk-adapter'],
    absent: OIDC_PROVIDER,
    checksDeclarations: true,
  },
  {
    name: 'resource-server',
    entries: {
      '@credence/resource-server': ['accessTokenVerifier', 'accessTokenGate', 'expressAccessToken', 'toolScopes'],
    },
    others: TYPES,
    installed: ['@credence/protocol', '@credence/resource-server'],
    absent: [...OIDC_PROVIDER, ...BOT],
    checksDeclarations: true,
  },
  {
    name: 'authorization-server',
    entries: { '@credence/authorization-server': ['idJagTokenEndpoint', 'verifyIdJag'] },
    others: TYPES,
    installed: ['@credence/authorization-server', '@credence/protocol'],
    absent: [...OIDC_PROVIDER, ...BOT],
    checksDeclarations: true,
  },
  {
    name: 'identity-provider',
    entries: { '@credence/identity-provider': ['addIdJagExchange', 'createSigningKeys', 'policyTable'] },
    others: ['oidc-provider', ...TYPES],
    installed: ['@credence/authorization-server', '@credence/identity-provider', '@credence/protocol'],
    absent: ['@types/oidc-provider', ...BOT],
    checksDeclarations: true,
  },
  {
    name: 'oidc-provider',
    entries: {
      '@credence/authorization-server/oidc-provider': ['addIdJagGrant', 'idJagAuthorizationServerConfiguration'],
      '@credence/identity-provider': ['addIdJagExchange', 'idJagIdentityProviderConfiguration'],
    },
    others: ['@types/oidc-provider', 'oidc-provider', ...TYPES],
    installed: ['@credence/authorization-server', '@credence/identity-provider', '@credence/protocol'],
    absent: BOT,
    checksDeclarations: true,
  },
  {
    name: 'sandbox',
    entries: { '@credence/sandbox': ['sandboxTool', 'startSandbox'] },
    others: ['zod', ...TYPES],
    installed: [
      '@credence/authorization-server',
      '@credence/core',
      '@credence/identity-provider',
      '@credence/protocol',
      '@credence/resource-server',
      '@credence/sandbox',
    ],
    absent: ['@types/oidc-provider'],
    checksDeclarations: true,
  },
  {
    name: 'testing',
    entries: {
      '@credence/core': ['ServicePrincipal'],
      '@credence/testing': ['answers', 'fakeIdp'],
      '@credence/testing/jest-preset': ['jestPreset'],
    },
    others: TYPES,
    installed: ['@credence/authorization-server', '@credence/core', '@credence/protocol', '@credence/testing'],
    absent: OIDC_PROVIDER,
    checksDeclarations: true,
  },
  {
    name: 'enterprise',
    entries: {
      '@credence/core': ['ServicePrincipal'],
      '@credence/redis': ['redisReplayStore', 'redisStore'],
      '@credence/sandbox': ['startSandbox'],
      '@credence/identity-provider': ['addIdJagExchange', 'policyTable'],
      '@credence/authorization-server/oidc-provider': ['addIdJagGrant'],
    },
    others: ['@modelcontextprotocol/sdk', '@types/oidc-provider', 'oidc-provider', 'redis', ...TYPES],
    installed: [
      '@credence/authorization-server',
      '@credence/core',
      '@credence/identity-provider',
      '@credence/protocol',
      '@credence/redis',
      '@credence/resource-server',
      '@credence/sandbox',
    ],
    absent: [],
    // @types/koa does not compile together with the newer content-disposition that express installs
    checksDeclarations: false,
  },
];

/** The configurations of the compiler, with the kinds of modules that each program is compiled as. `.cts` is CommonJS. */
const TSCONFIGS = {
  'tsconfig.json': ['.ts', '.cts'],
  'tsconfig.esm.json': ['.ts'],
  'tsconfig.commonjs.json': ['.cts'],
} as const;

/** The packages of the entry points: `@credence/core` for `@credence/core/opentelemetry`. */
export function packagesOf({ entries }: Project): readonly string[] {
  return [...new Set(Object.keys(entries).map((entry) => entry.split('/').slice(0, 2).join('/')))];
}

/** Installs all projects, two at a time, because npm often waits for the registry. Returns a promise for each project name. */
export function installAll(
  folderOf: (project: Project) => string,
  packed: readonly PackedPackage[],
): ReadonlyMap<string, Promise<void>> {
  const installs: Promise<void>[] = [];
  for (const [at, project] of PROJECTS.entries()) {
    const earlier = installs[at - 2]?.catch(() => undefined);
    const installed = (earlier ?? Promise.resolve()).then(() => install(project, folderOf(project), packed));
    // Prevents an unhandled rejection. The test that awaits this promise reports a failure.
    installed.catch(() => undefined);
    installs.push(installed);
  }
  return new Map(PROJECTS.map(({ name }, at) => [name, installs[at] ?? Promise.resolve()]));
}

async function install(project: Project, folder: string, packed: readonly PackedPackage[]): Promise<void> {
  const dependencies: Record<string, string> = {};
  for (const name of packagesOf(project)) {
    const found = packed.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`${name} was not packed`);
    dependencies[name] = `file:${found.tarball}`;
  }
  // Dependencies between Credence packages come from tarballs, because their versions are not published yet.
  const overrides = Object.fromEntries(
    packed.filter(({ name }) => dependencies[name] === undefined).map(({ name, tarball }) => [name, `file:${tarball}`]),
  );
  for (const name of project.others) dependencies[name] = await installedVersion(name);
  const { programs = [project.name] } = project;
  const tsconfig = {
    compilerOptions: {
      target: 'ES2022', // the latest target of TypeScript 5.4
      lib: ['es2023', 'dom'],
      types: ['node'],
      module: 'nodenext',
      strict: true,
      skipLibCheck: !project.checksDeclarations,
      noEmit: true,
    },
  };
  const manifest = { name: project.name, version: '1.0.0', private: true, type: 'module', dependencies, overrides };
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  for (const [kind, extensions] of Object.entries(TSCONFIGS)) {
    const files = programs.flatMap((program) => extensions.map((extension) => program + extension));
    await writeFile(join(folder, kind), JSON.stringify({ ...tsconfig, files }, null, 2));
  }
  for (const program of programs) {
    const source = join(ROOT, 'test/packaging/projects', `${program}.ts`);
    for (const extension of TSCONFIGS['tsconfig.json']) await copyFile(source, join(folder, program + extension));
  }
  await runOk('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'], folder);
}
