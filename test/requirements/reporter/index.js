import { tsImport } from 'tsx/esm/api';

/**
 * A reporter for jest. After a run of all tests it checks that every test named in test/requirements/*.yaml exists and passed,
 * and fails the run otherwise. It checks nothing after a run of only some tests.
 */
export default class RequirementsReporter {
  #globalConfig;
  #folder;
  #error;

  constructor(globalConfig, { folder } = {}) {
    this.#globalConfig = globalConfig;
    this.#folder = folder;
  }

  async onRunComplete(testContexts, results) {
    const stoppedEarly = this.#globalConfig.bail > 0 && results.numFailedTestSuites > 0;
    if (results.wasInterrupted || stoppedEarly) return;
    const [context] = testContexts;
    const { isFullRun } = await tsImport('./full-run.ts', import.meta.url);
    if (!isFullRun(this.#globalConfig, context?.config.testPathIgnorePatterns)) return;
    const { report } = await tsImport('./report.ts', import.meta.url);
    try {
      const { message, failed } = report(results, this.#globalConfig.rootDir, this.#folder);
      if (message !== '') process.stderr.write(`\n${message}\n`);
      if (failed) this.#error = new Error('test/requirements names tests that did not pass');
    } catch (error) {
      this.#error = error;
      process.stderr.write(`\n${error.message}\n`);
    }
  }

  /** Jest fails the run if this method returns an error. */
  getLastError() {
    return this.#error;
  }
}
