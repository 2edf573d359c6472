// Starts what runs beside the pages, then shows them.
import { render } from 'preact';
import { App } from './app';
import { startContext } from './api/context';
import { startKeys } from './base/keys';
import { startRouter } from './base/router';
import { startTheme } from './base/theme';
import { startLive } from './base/time_range';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/widgets.css';

startTheme();
startRouter();
startKeys();
startLive();
startContext();
render(<App />, document.getElementById('app')!);
