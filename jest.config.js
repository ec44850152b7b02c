export default {
  // The second one checks, after a run of all tests, those that test/requirements names.
  reporters: ['default', '<rootDir>/test/requirements/reporter/index.js'],
  testEnvironment: '<rootDir>/test/jest-environment.js',
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/packages/*/src/**/*.test.ts', '<rootDir>/{test,tools}/**/*.test.ts'],
  modulePathIgnorePatterns: [
    '<rootDir>/packages/[^/]+/dist',
    '<rootDir>/test/conformance/suite',
    '<rootDir>/tools/docs/node_modules',
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
    '^@credence/core/opentelemetry$': '<rootDir>/packages/core/src/opentelemetry.ts',
    '^@credence/authorization-server/(oidc-provider|oidc-provider-internals|internals)$':
      '<rootDir>/packages/authorization-server/src/$1.ts',
    '^@credence/sdk-adapter/v2$': '<rootDir>/packages/sdk-adapter/src/v2.ts',
    '^@credence/([^/]+)$': '<rootDir>/packages/$1/src/index.ts',
  },
  // A first import of oidc-provider or LangChain can take seconds on a busy machine.
  testTimeout: 30_000,
  maxWorkers: 2,
  workerIdleMemoryLimit: '512MB',
  coverageProvider: 'v8',
  restoreMocks: true,
};
