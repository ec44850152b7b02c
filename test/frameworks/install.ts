import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { EXAMPLES, PROJECTS } from './projects.ts';

// Installs the frameworks for the examples, and makes the packages visible to the programs of the tests.
for (const { examples, programs } of PROJECTS) {
  const project = join(EXAMPLES, examples);
  // Another Node runs the project that needs a newer one, so its engines do not fit the running Node.
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  execFileSync('npm', ['ci', '--prefix', project, ...quiet], { stdio: 'inherit', cwd: project });
  const link = join(programs, 'node_modules');
  rmSync(link, { recursive: true, force: true });
  symlinkSync(relative(programs, join(project, 'node_modules')), link, 'junction');
}
