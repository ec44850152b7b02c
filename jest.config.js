export default {
  // After a run of all tests, the second reporter checks that the tests named in test/requirements exist and ran.
  reporters: ['default', '<rootDir>/test/requirements/reporter/index.js'],
  testEnvironment: '<rootDir>/test/jest-environment.js',
  // A server that a test file started can still answer while the next file runs. Jest warns about that in the next file, and
  // test/jest-environment.js would fail a test there. So the cleanup that warns is off.
  testEnvironmentOptions: { globalsCleanup: 'off' },
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/packages/*/src/**/*.test.ts', '<rootDir>/{test,tools}/**/*.test.ts'],
  modulePathIgnorePatterns: [
    '<rootDir>/packages/[^/]+/dist',
    '<rootDir>/test/conformance/suite',
    '<rootDir>/test/runners/suite',
    '<rootDir>/tools/docs/node_modules',
    '<rootDir>/examples/frameworks',
    '<rootDir>/test/frameworks/(suite|newest)/node_modules',
  ],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript' },
          transform: { verbatimModuleSyntax: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleNameMapper: {
    '^@credence/protocol/files$': '<rootDir>/packages/protocol/src/files.ts',
    '^@credence/core/opentelemetry$': '<rootDir>/packages/core/src/opentelemetry.ts',
    '^@credence/authorization-server/(oidc-provider|oidc-provider-internals|internals)$':
      '<rootDir>/packages/authorization-server/src/$1.ts',
    '^@credence/testing/jest-preset$': '<rootDir>/packages/testing/src/jest-preset.ts',
    '^@credence/sdk-adapter/v2$': '<rootDir>/packages/sdk-adapter/src/v2.ts',
    '^@credence/([^/]+)$': '<rootDir>/packages/$1/src/index.ts',
  },
  // The first import of oidc-provider or LangChain can take several seconds on a busy machine.
  testTimeout: 30_000,
  maxWorkers: 2,
  workerIdleMemoryLimit: '512MB',
  coverageProvider: 'v8',
  restoreMocks: true,
};
