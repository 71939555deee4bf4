// An order's page as it is opened from a mail: an application of its own, and a small one (`vite.track.config.ts`).
import { useEffect } from "react";
import { Route, Switch } from "wouter";
import TrackPage from "./features/track";
import { start } from "./start";
import { Boundary } from "./ui/boundary";
import { Configured } from "./ui/configured";
import { ApplicationShown } from "./ui/server-rendered";

function TrackApp() {
  return (
    <Boundary>
      <Configured>
        <Switch>
          <Route path="/track/:id" component={TrackPage} />
          <Route component={Elsewhere} />
        </Switch>
        <ApplicationShown />
      </Configured>
    </Boundary>
  );
}

/** Any other page is the whole application's: the browser fetches its document. */
function Elsewhere() {
  useEffect(() => location.reload(), []);
  return null;
}

start(TrackApp);
