import { tsImport } from 'tsx/esm/api';

/**
 * After a full run, checks that every test named by test/requirements/*.yaml exists and passed, and fails the run
 * otherwise. It says nothing about a run of some tests only.
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

  /** jest fails the run where a reporter has an error. */
  getLastError() {
    return this.#error;
  }
}
